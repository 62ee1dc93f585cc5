import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type LimitsConfig, type ServerConfig, ServerConfigRef } from '#libs/config';
import { HostPolicy } from './host-policy.js';
import { RemoteAddresses } from './remote-address.js';

/** The parts of `server:` the front door checks requests against, compiled anew whenever they change. */
@Injectable()
export class FrontPolicy implements OnModuleDestroy {
  #hosts!: HostPolicy;
  #addresses!: RemoteAddresses;
  readonly #stop: () => void;

  constructor(private readonly config: ServerConfigRef) {
    this.#compile(config.current);
    this.#stop = config.onChange((next) => this.#compile(next));
  }

  get hosts(): HostPolicy {
    return this.#hosts;
  }

  get addresses(): RemoteAddresses {
    return this.#addresses;
  }

  get limits(): LimitsConfig {
    return this.config.current.limits;
  }

  onModuleDestroy(): void {
    this.#stop();
  }

  #compile(config: ServerConfig): void {
    this.#hosts = new HostPolicy(config);
    this.#addresses = new RemoteAddresses(config.trusted_proxies);
  }
}
