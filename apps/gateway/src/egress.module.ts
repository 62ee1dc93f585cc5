import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ProxyConfigRef } from '#libs/config';
import { EgressClient, EgressGuard } from '#libs/egress';

/** The one guard for whatever the gateway contacts, under the policy of the moment, and the client that goes through it. */
@Global()
@Module({
  providers: [
    {
      provide: EgressGuard,
      useFactory: (proxy: ProxyConfigRef) => new EgressGuard(() => proxy.current.egress),
      inject: [ProxyConfigRef],
    },
    { provide: EgressClient, useFactory: (guard: EgressGuard) => new EgressClient(guard), inject: [EgressGuard] },
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
