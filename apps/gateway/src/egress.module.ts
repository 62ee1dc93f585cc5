import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { equalConfig, ProxyConfigRef } from '#libs/config';
import { EgressClient, EgressGuard } from '#libs/egress';

function clientOf(guard: EgressGuard, proxy: ProxyConfigRef): EgressClient {
  const client = new EgressClient(guard);
  proxy.onChange((next, previous) => {
    if (!equalConfig(next.egress, previous.egress)) client.renew();
  });
  return client;
}

/** The one guard for whatever the gateway contacts, under the policy of the moment, and the client that goes through it. */
@Global()
@Module({
  providers: [
    {
      provide: EgressGuard,
      useFactory: (proxy: ProxyConfigRef) => new EgressGuard(() => proxy.current.egress),
      inject: [ProxyConfigRef],
    },
    { provide: EgressClient, useFactory: clientOf, inject: [EgressGuard, ProxyConfigRef] },
  ],
  exports: [EgressGuard, EgressClient],
})
export class EgressModule implements OnApplicationShutdown {
  constructor(private readonly client: EgressClient) {}

  /** Last of all: whoever ends may still have something to ask. */
  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}
