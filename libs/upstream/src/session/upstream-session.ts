import type { Ask, Era, Exchange, GatewayError, InputRequest, Outcome, Resumption } from '#libs/kernel';
import type { Draft, ListKind } from '#libs/mcp';
import type { ConnectionStatus } from '#libs/plugin';
import type { CallSink } from '../contract.js';
import type { Deadline } from './deadline.js';

/** On whose behalf a request is sent; absent for the gateway's own requests (lists, pings, levels). */
export interface Caller {
  readonly exchange: Exchange;
  readonly sink: CallSink;
  readonly wantsProgress: boolean;
  /** It may ask its client something, and had its session to itself if need be. */
  readonly solo: boolean;
  /** Least severe log message the caller wants; modern upstreams send none without. */
  readonly logLevel?: string | undefined;
  /** An `input_required` of a modern upstream is the caller's to answer. */
  readonly relaysInput?: boolean | undefined;
  readonly resumption?: Resumption | undefined;
  readonly paramHeaders?: Readonly<Record<string, string>> | undefined;
}

/** One request on an upstream session. */
export interface SessionRequest {
  readonly method: string;
  readonly params?: Draft | undefined;
  /** What error texts call it, e.g. `tool echo`. */
  readonly subject: string;
  /** Milliseconds without a sign of life. */
  readonly timeout: number;
  /** Milliseconds in all, time spent on open questions not counted. */
  readonly maxTotal: number;
  /** Of the call it belongs to; without one, `maxTotal` counts from when it is sent. */
  readonly deadline?: Deadline;
  readonly caller?: Caller;
}

/** What a session tells its owner outside of requests. */
export interface SessionListener {
  listChanged(kinds: readonly ListKind[]): void;
  resourceUpdated(uri: string, params: Buffer): void;
  /** A log message that belongs to no running call. */
  logged(params: Buffer): void;
  /** `client`: the client session that was asked, when known. */
  elicitationCompleted(params: Buffer, client: string | undefined): void;
  /** A question that belongs to no call, for the one client session served; undefined when there is no such client. */
  asked(request: InputRequest): Ask | undefined;
  /** A limit that fails no request was reached: its key below `connection`. */
  limited(key: string): void;
  /** The session is to be replaced, and closed once its requests are done. */
  worn(why: GatewayError): void;
  /** The session is of no use any more: connection closed, or the upstream forgot it. At most once, not after `close`. */
  lost(error: GatewayError): void;
}

/**
 * One protocol session with one upstream, whatever its era: the back adapter. What differs between eras (handshake,
 * how questions travel, what cancelling means, whether watching a resource is a request or a stream) stays behind it: the
 * requests `ping`, `resources/subscribe` and `resources/unsubscribe` of the gateway itself are understood by all.
 */
export interface UpstreamSession {
  readonly era: Era;
  /** Negotiated protocol version. */
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
  /** The upstream speaks both eras. */
  readonly dual: boolean;
  /** Requests travel over streamable HTTP, where headers repeat parts of them (M:http). */
  readonly http: boolean;
  /** `connection`: what the upstream sends is not tied to one request by the wire. */
  readonly attribution: 'request' | 'connection';
  /** Whether the upstream issued a session id: the one hint of state there is. */
  readonly stateful: boolean;
  /** True once it takes no more requests. */
  readonly lost: boolean;
  /** Requests in flight. */
  readonly inFlight: number;
  /** Milliseconds (monotonic) of the last message from the upstream. */
  readonly lastHeard: number;
  /**
   * Sends a request and waits for its outcome; an error the upstream answers with is an outcome, not a rejection.
   * @throws GatewayError UPSTREAM_* ; the exchange's own reason when it is aborted
   */
  request(request: SessionRequest): Promise<Outcome>;
  /** @throws GatewayError when the upstream did not take it */
  notify(method: string, params?: Buffer): Promise<void>;
  /**
   * Hears what the upstream says outside of requests, where that is not so from the start. Sessions whose one client
   * would be told nothing of it do without the stream that it takes.
   */
  listen(): void;
  status(): ConnectionStatus;
  /** Ends the session; requests in flight fail with `reason`. Resolves when nothing of it is left. */
  close(reason: GatewayError): Promise<void>;
}
