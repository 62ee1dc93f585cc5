import type { ServerResponse } from 'node:http';
import type { Ask, ClientSession, InputRequest, OutboundNotification } from '#libs/kernel';
import { encodeNotification, sseFrame } from '#libs/mcp';
import type { McpProxy, SessionChannel } from '#libs/proxy';
import type { FrontPolicy } from '../http/front-policy.js';
import type { SessionOverlay, Unsolicited } from '../session/overlay.js';
import { GetStream } from '../streams/get-stream.js';
import type { StreamLimits } from '../streams/stream-limits.js';
import type { StreamRegistry } from '../streams/stream-registry.js';

/** What all of them share. */
export interface StreamServices {
  readonly proxy: McpProxy;
  readonly registry: StreamRegistry;
  readonly limits: StreamLimits;
  readonly policy: FrontPolicy;
}

/** Whose stream it is. */
export interface StreamOptions {
  readonly overlay: SessionOverlay;
  /** As this stream's request opened it: its token says what may be seen. */
  readonly session: ClientSession;
  /** Who has the place among the open streams that it gives back. */
  readonly owner: string;
}

/** A session's way to its client outside of requests. One object and no closures: there are as many as there are clients. */
export class SessionStream extends GetStream implements SessionChannel, Unsolicited {
  readonly #services: StreamServices;
  readonly #overlay: SessionOverlay;
  readonly #session: ClientSession;
  readonly #owner: string;

  constructor(res: ServerResponse, services: StreamServices, { overlay, session, owner }: StreamOptions) {
    super(res, services.registry);
    this.#services = services;
    this.#overlay = overlay;
    this.#session = session;
    this.#owner = owner;
  }

  listen(): () => void {
    return this.#services.proxy.subscribe(this.#session, this);
  }

  deliver({ method, params }: OutboundNotification): void {
    this.send(sseFrame(encodeNotification(method, params)));
  }

  ask(request: InputRequest): Ask {
    return this.#overlay.asks.ask(request, this, this.#services.policy.limits.ask);
  }

  protected closed(): void {
    this.#services.limits.release(this.#owner);
    this.#services.registry.removeStream(this);
    this.#overlay.removeStream(this);
  }
}
