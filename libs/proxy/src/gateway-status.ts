import { Injectable } from '@nestjs/common';
import { StatusSource, type UpstreamStatus } from '#libs/plugin';
import { UpstreamRegistry } from '#libs/upstream';

/** What health checks read. The composition root says when the gateway has started and when it drains. */
@Injectable()
export class GatewayStatus extends StatusSource {
  #started = false;
  #draining = false;

  constructor(private readonly registry: UpstreamRegistry) {
    super();
  }

  upstreams(): readonly UpstreamStatus[] {
    return this.registry.all().map((upstream) => upstream.status);
  }

  started(): boolean {
    return this.#started;
  }

  draining(): boolean {
    return this.#draining;
  }

  markStarted(): void {
    this.#started = true;
  }

  markDraining(): void {
    this.#draining = true;
  }
}
