import { ChurnMap, type ClientSession, GatewayError } from '#libs/kernel';
import { type AskChannel, AskDesk } from '../legacy/ask-desk.js';

/** A request of this session in flight, as far as its session is concerned. */
export interface Running {
  abort(reason: GatewayError): void;
}

/** An open GET stream, as far as its session is concerned. */
export interface Unsolicited extends AskChannel {
  end(): void;
  /** Takes what belongs to no request, in the view of whoever opened the stream; returns the way to stop. */
  listen(): () => void;
}

const NONE: readonly Unsolicited[] = [];

/**
 * What this process remembers of one legacy session: everything that cannot be in the sealed id because it changes.
 * Losing it loses no session.
 */
export class SessionOverlay {
  readonly running = new ChurnMap<string, Running>();
  lastUsed = 0;
  #asks: AskDesk | undefined;
  #streams: readonly Unsolicited[] = NONE;
  #listening: { readonly stream: Unsolicited; readonly stop: () => void } | undefined;

  constructor(
    /** As the latest request opened it. */
    public session: ClientSession,
    /** Milliseconds since the epoch. */
    readonly expiresAt: number,
    private readonly replicaId: string,
  ) {}

  /** Made for the first question, or the first answer to none: most sessions see neither. */
  get asks(): AskDesk {
    this.#asks ??= new AskDesk(this.replicaId);
    return this.#asks;
  }

  get idle(): boolean {
    return this.running.size === 0 && this.#streams.length === 0;
  }

  /** Adds a GET stream. The newest one takes what belongs to no request; each message goes to one stream only (L:http). */
  addStream(stream: Unsolicited): void {
    this.#streams = this.#streams.length === 0 ? [stream] : [...this.#streams, stream];
    this.#listenOnNewest();
  }

  removeStream(closed: Unsolicited): void {
    this.#streams = this.#streams.filter((stream) => stream !== closed);
    this.#listenOnNewest();
  }

  /** Ends everything this session has open. */
  end(why: string): void {
    if (this.idle && !this.#asks?.size) return;
    const reason = new GatewayError('SESSION_NOT_FOUND', why);
    for (const request of this.running.values()) request.abort(reason);
    const streams = this.#streams;
    this.#streams = NONE;
    for (const stream of streams) stream.end();
    this.#listenOnNewest();
    this.#asks?.rejectAll(new GatewayError('ASK_UNDELIVERED', 'The client ended its session', { cause: reason }));
  }

  #listenOnNewest(): void {
    const newest = this.#streams.at(-1);
    if (newest === this.#listening?.stream) return;
    this.#listening?.stop();
    this.#listening = undefined;
    if (!newest) return;
    const stop = newest.listen();
    // What it was told at once may have closed it.
    if (this.#streams.at(-1) === newest) this.#listening = { stream: newest, stop };
    else stop();
  }
}
