import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ProxyConfigRef } from '#libs/config';
import { type Endpoint, GatewayError, toGatewayError } from '#libs/kernel';
import { type Listening, McpProxy } from '#libs/proxy';
import type { InboundPost } from '../front.js';
import { errorMessage } from '../http/answers.js';
import { FrontLog } from '../http/front-log.js';
import { Sessions } from '../session/sessions.js';
import { Leases } from '../streams/leases.js';
import { StreamLimits } from '../streams/stream-limits.js';
import { StreamRegistry } from '../streams/stream-registry.js';
import { CallDesk } from './call-desk.js';
import type { ModernRequest } from './envelope.js';
import { ListenStream } from './listen-stream.js';
import { readWish } from './listen-wish.js';

/** Opens `subscriptions/listen` streams, within each caller's bounds, and ends those whose endpoint goes away. */
@Injectable()
export class ListenDesk implements OnModuleDestroy {
  readonly #streams = new Map<ListenStream, Endpoint>();
  readonly #stop: () => void;

  constructor(
    private readonly proxy: McpProxy,
    private readonly calls: CallDesk,
    private readonly sessions: Sessions,
    private readonly limits: StreamLimits,
    private readonly registry: StreamRegistry,
    private readonly leases: Leases,
    private readonly log: FrontLog,
    config: ProxyConfigRef,
  ) {
    this.#stop = config.onChange(() => this.#endOrphans());
  }

  /** @throws GatewayError INVALID_PARAMS, NOT_ACCEPTABLE, LISTEN_LIMIT */
  async open(inbound: InboundPost, request: ModernRequest): Promise<void> {
    const { message } = request;
    const wish = readWish(message.params);
    if (!inbound.accepted.stream) {
      throw new GatewayError(
        'NOT_ACCEPTABLE',
        'subscriptions/listen is answered with a stream: Accept text/event-stream',
      );
    }
    const exchange = this.calls.exchange(inbound, request);
    const owner = this.sessions.ownerOf(inbound);
    this.#take(owner);
    let stream: ListenStream | undefined;
    let listening: Listening;
    try {
      listening = this.proxy.listen(exchange, wish, (notification) => stream?.deliver(notification));
    } catch (thrown) {
      this.limits.release(owner);
      throw thrown;
    }
    const close = () => {
      this.limits.release(owner);
      listening.stop();
      exchange.abort(new GatewayError('CANCELLED', 'The listen stream was closed'));
    };
    if (inbound.response.destroyed) {
      close();
      return;
    }
    stream = this.#open(inbound, message.idJson, close);
    try {
      stream.acknowledge(await listening.honoured);
    } catch (thrown) {
      if (stream.ended) return;
      const error = toGatewayError(thrown);
      this.log.answered(error, inbound.requestId, message.method);
      stream.finish(errorMessage(error, message.idJson, inbound.requestId, 'modern'));
    }
  }

  onModuleDestroy(): void {
    this.#stop();
  }

  #open(inbound: InboundPost, idJson: string, close: () => void): ListenStream {
    const { response, endpoint } = inbound;
    const lease = this.leases.take(inbound, { end: () => stream.end() });
    const stream = new ListenStream({ res: response, lease, room: this.registry }, idJson, this.proxy.identity, () => {
      this.#streams.delete(stream);
      this.registry.removeStream(stream);
      close();
    });
    this.#streams.set(stream, endpoint);
    this.registry.addStream(stream);
    if (this.registry.draining) stream.end();
    return stream;
  }

  /** @throws GatewayError LISTEN_LIMIT */
  #take(owner: string): void {
    try {
      this.limits.take(owner);
    } catch (thrown) {
      const { message, data } = toGatewayError(thrown);
      throw new GatewayError('LISTEN_LIMIT', message, { data });
    }
  }

  /** Streams of servers and toolsets that are no more in the configuration. */
  #endOrphans(): void {
    for (const [stream, endpoint] of [...this.#streams]) {
      if (!this.proxy.endpoint(nameOf(endpoint))) stream.end();
    }
  }
}

function nameOf(endpoint: Endpoint): string | undefined {
  switch (endpoint.kind) {
    case 'aggregate':
      return undefined;
    case 'server':
      return endpoint.server;
    case 'toolset':
      return endpoint.toolset;
  }
}
