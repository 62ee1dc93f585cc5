import { type ClientSession, GatewayError } from '#libs/kernel';
import { encodeNotification, sseFrame } from '#libs/mcp';
import type { SessionChannel } from '#libs/proxy';
import { type AskChannel, AskDesk } from '../legacy/ask-desk.js';

/** A request of this session in flight, as far as its session is concerned. */
export interface Running {
  abort(reason: GatewayError): void;
}

/** An open GET stream, as far as its session is concerned. */
export interface Unsolicited extends AskChannel {
  end(): void;
}

/**
 * What this process remembers of one legacy session: everything that cannot be in the sealed id because it changes.
 * Losing it loses no session.
 */
export class SessionOverlay {
  readonly running = new Map<string, Running>();
  readonly asks: AskDesk;
  lastUsed = 0;
  readonly #streams: Unsolicited[] = [];
  #unsubscribe: (() => void) | undefined;

  constructor(
    /** As the latest request opened it. */
    public session: ClientSession,
    /** Whose sessions and streams are counted together. */
    readonly owner: string,
    /** Milliseconds since the epoch. */
    readonly expiresAt: number,
    replicaId: string,
  ) {
    this.asks = new AskDesk(replicaId);
  }

  get idle(): boolean {
    return this.running.size === 0 && this.#streams.length === 0;
  }

  /** Adds a GET stream. The newest one takes what belongs to no request; each message goes to one stream only (L:http). */
  addStream(
    stream: Unsolicited,
    subscribe: (session: ClientSession, channel: SessionChannel) => () => void,
    askTimeout: () => number,
  ): void {
    this.#streams.push(stream);
    this.#unsubscribe ??= subscribe(this.session, {
      deliver: ({ method, params }) => this.#streams.at(-1)?.send(sseFrame(encodeNotification(method, params))),
      ask: (request) => this.asks.ask(request, this.#streams.at(-1) ?? NO_STREAM, askTimeout()),
    });
  }

  removeStream(stream: Unsolicited): void {
    const index = this.#streams.indexOf(stream);
    if (index >= 0) this.#streams.splice(index, 1);
    if (this.#streams.length === 0) this.#stopListening();
  }

  /** Ends everything this session has open. */
  end(reason: GatewayError): void {
    for (const request of [...this.running.values()]) request.abort(reason);
    this.#stopListening();
    for (const stream of [...this.#streams]) stream.end();
    this.asks.rejectAll(new GatewayError('ASK_UNDELIVERED', 'The client ended its session', { cause: reason }));
  }

  #stopListening(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}

const NO_STREAM: AskChannel = { send: () => false, onClosed: () => () => {} };
