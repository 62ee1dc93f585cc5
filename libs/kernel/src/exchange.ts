import type { GatewayError } from './errors.js';
import type { Principal } from './principal.js';
import type { Endpoint, Spelling } from './refs.js';

/** Protocol era of one hop: `legacy` has initialize and sessions, `modern` is stateless. */
export type Era = 'legacy' | 'modern';

/** What the client says of itself on its hop. */
export interface ClientHop {
  readonly era: Era;
  /** Negotiated protocol version of this hop, e.g. `2025-11-25`. */
  readonly version: string;
  readonly name: string;
  readonly clientVersion: string;
  /** Declared client capabilities as they arrived (a plain JSON object); never used for a security decision. */
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** Names in lower case, values as Node joined them. */
export type ClientHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A legacy client's session, as opened from its sealed id. Everything in it is immutable. */
export interface ClientSession {
  /** Random id of the session: key of whatever the gateway remembers about it. Never the sealed token itself. */
  readonly id: string;
  readonly principal: Principal;
  readonly endpoint: Endpoint;
  readonly client: ClientHop;
  readonly spelling: Spelling;
  /**
   * Another running process made this session and holds what changes in it: log level, subscriptions, stateful
   * upstream sessions. False for sessions made here, and for those of a process this one has taken over from.
   */
  readonly elsewhere: boolean;
}

/** A JSON-RPC notification on its way to the client. `params` are the raw JSON bytes, already in the client's spelling. */
export interface OutboundNotification {
  readonly method: string;
  readonly params?: Buffer;
}

/** A question an upstream wants the client to answer: elicitation, sampling or roots. */
export interface InputRequest {
  readonly method: string;
  readonly params?: Buffer;
  /** The upstream that asks: shown to people, never hidden (M:elic). */
  readonly server: string;
}

/**
 * An answer: the raw JSON of `result` or `error`, byte for byte as the answering side wrote it. `own`: the gateway wrote it,
 * and nothing in it that a hop adds to results. `marks`: what whoever read it saw in it, as the wire's library counts such things;
 * without them nobody looked.
 */
export type Answer =
  | {
      readonly kind: 'result';
      readonly result: Buffer;
      readonly freshness?: Freshness;
      readonly own?: boolean;
      readonly marks?: number;
    }
  | { readonly kind: 'error'; readonly code: number; readonly error: Buffer };

/**
 * What became of a request. `input_required`: a modern upstream needs answers first (M:mrtr). Only callers that relay
 * it get to see it; the result's `requestState`, if any, is still the upstream's own.
 */
export type Outcome = Answer | { readonly kind: 'input_required'; readonly result: Buffer; readonly server: string };

/** There is nothing to say but that it is done. */
export const EMPTY_RESULT: Outcome = { kind: 'result', result: Buffer.from('{}') };

/** How long, and for whom, a result may be kept (M:cache). */
export interface Freshness {
  /** Milliseconds. */
  readonly ttl: number;
  readonly scope: 'public' | 'private';
}

/** A modern client's answers on a retry of a request that had answered `input_required`. */
export interface Resumption {
  /** JSON of `inputResponses` as the client sent it. */
  readonly inputResponses?: Buffer;
  /** The upstream's own `requestState`, unsealed, and the upstream it came from. */
  readonly requestState?: string;
  readonly server?: string;
}

/** A pending question; `withdraw` tells the client that nobody waits any more. */
export interface Ask {
  readonly answer: Promise<Answer>;
  withdraw(reason: string): void;
}

/**
 * One client request in flight. The only two ways from an upstream to the client are `notify` and `ask`; how they
 * travel is the front door's business.
 */
export interface Exchange {
  /** Correlation id: in `X-Request-Id`, log lines, gateway-made errors and upstream requests. */
  readonly id: string;
  /** W3C traceparent of the caller, when it sent a sane one. */
  readonly traceparent?: string;
  readonly principal: Principal;
  readonly client: ClientHop;
  readonly endpoint: Endpoint;
  readonly spelling: Spelling;
  /** The legacy session; absent for modern clients. */
  readonly session?: ClientSession;
  /** Least severe log message a modern client wants on this request's stream; it gets none without. */
  readonly logLevel?: string;
  /** A modern client's answers for a modern upstream. */
  readonly resumption?: Resumption;
  /** Address of the peer (or of the client a trusted proxy names). */
  readonly remoteAddress: string;
  /**
   * Headers of the client's HTTP request, names in lower case. Nothing of them reaches an upstream but what that
   * upstream's own configuration names.
   */
  readonly headers: ClientHeaders;

  /** Progress and log messages, on this request's own stream. Never throws; dropped once the exchange is over. */
  notify(notification: OutboundNotification): void;
  /**
   * True while the client has not read what it was told so far: whoever can should wait with more. `resume` is called once
   * there is room again, or nobody to tell. What is told regardless is dropped when there is too much of it.
   */
  crowded?(resume: () => void): boolean;
  /** Asks the client. The answer rejects with ASK_* when it cannot be delivered, or is not answered in time. */
  ask(request: InputRequest): Ask;

  readonly aborted: boolean;
  /** Made on first use; prefer `onAbort`. */
  readonly signal: AbortSignal;
  /** Client cancelled, deadline, shutdown. Runs at once when already aborted. Returns the way to unsubscribe. */
  onAbort(listener: (reason: GatewayError) => void): () => void;
}
