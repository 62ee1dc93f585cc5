import type { ClientHeaders, GatewayError, Log, Principal } from '#libs/kernel';

/** Limits of one upstream; sizes in bytes. */
export interface TransportLimits {
  /** Largest JSON reply or stdio line. */
  readonly response: number;
  /** Largest single SSE event. */
  readonly event: number;
  /** Most bytes of one event stream. */
  readonly stream: number;
  /** Milliseconds one event stream may stay open. */
  readonly streamLifetime: number;
}

export interface TransportTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecureSkipVerify: boolean;
}

/**
 * What a transport is told about the upstream it should reach: one entry of `proxy.servers`, resolved and frozen. The same
 * object for every connection of an entry: what those share (socket pools) is keyed by its identity.
 */
export interface UpstreamTarget {
  readonly name: string;
  readonly type: string;
  /** HTTP transports: the endpoint's URL. */
  readonly url?: string;
  /** Most sockets to this upstream. */
  readonly pool: number;
  readonly limits: TransportLimits;
  /** Read anew for each socket: files may be renewed while the gateway runs. The same object while nothing changed. */
  readonly tls?: TransportTls;
  /** stdio: the program, its arguments, its whole environment besides PATH and HOME, and its directory. */
  readonly command?: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds to wait for a socket (`connection.connect_timeout`). */
  readonly connectTimeout: number;
  /** Milliseconds to wait for what stands behind it: a child's spawn, an `endpoint` event (`connection.start_timeout`). */
  readonly startTimeout: number;
  /** The entry's `connection` block as parsed, for keys only a plug-in knows. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly log: Log;
}

/** Whom a request is sent for. An exchange fits. */
export interface RequestCaller {
  readonly principal: Principal;
  readonly headers: ClientHeaders;
}

/**
 * Headers to add to an HTTP request, asked for anew each time (credentials may have been refreshed): those of the caller
 * it is for or, without one, of whoever used the connection last. Rejects with the GatewayError to fail the request with.
 */
export type HeaderSource = (
  caller?: RequestCaller,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

/** An upstream's 401. */
export interface CredentialRefusal {
  /** What it refused, as the source gave it out. */
  readonly headers: Readonly<Record<string, string>>;
  readonly caller: RequestCaller | undefined;
  /** Its `WWW-Authenticate` headers. */
  readonly challenges: readonly string[];
}

/** A JSON-RPC request ready to be sent. */
export interface OutboundRequest {
  /** The id inside `body`, minted by the caller, unique on this connection. */
  readonly id: number;
  readonly method: string;
  /** The whole JSON-RPC message. */
  readonly body: Buffer;
  /** The same in several pieces, for a large one: to be sent instead where that spares a copy. */
  readonly pieces?: readonly Buffer[] | undefined;
  /** Headers of this one request (X-Request-Id, traceparent …); transports without headers ignore them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whom it is for: to be handed to the connection's header source. Absent for the gateway's own requests. */
  readonly caller?: RequestCaller | undefined;
}

/** A request under way. */
export interface RequestHandle {
  /** Frees what it holds; nothing is delivered to the sink afterwards. */
  abandon(): void;
  /**
   * False while nothing of the request has been written, so that whoever gives it up knows that it does not run: it waits
   * for a socket or a credential. Absent where that cannot be told.
   */
  readonly started?: boolean;
  /**
   * Reads nothing more of its answer for now: its caller cannot take it. Only where an answer has a stream of its own, so that
   * nobody else waits.
   */
  pause?(): void;
  resume?(): void;
}

/** Where what belongs to one request goes. */
export interface ReplySink {
  /** A message on this request's own stream: notifications, requests of the upstream, and at last the response. */
  onMessage(message: Buffer): void;
  /** More of a long answer has arrived, which is a sign of life although no message is whole yet. Optional for both sides. */
  onBytes?(): void;
  /**
   * The transport can no longer deliver the response. Called at most once, never after the response was handed to
   * `onMessage`. `error.notExecuted` is true only when the upstream provably did not run the request.
   */
  onError(error: GatewayError): void;
}

/** Where everything else goes. */
export interface ConnectionListener {
  /** A message that is not tied to one request's stream. On stdio and SSE that is every message, responses included. */
  onMessage(message: Buffer): void;
  /** The connection ended by itself. Called at most once, not after `close()`. Pending sinks get `onError` first. */
  onClose(error: GatewayError): void;
  /**
   * A limit was reached that fails no request: `key` is its key below `connection`. Where `worn` says why, the connection is
   * to be closed as soon as its requests are done; otherwise it goes on by itself.
   */
  onLimit?(key: string, worn?: GatewayError): void;
}

export interface ConnectOptions {
  readonly listener: ConnectionListener;
  readonly headers: HeaderSource;
  /** To be told of each 401. True: ask `headers` again and send the request once more; a second 401 stands. */
  readonly refused?: (refusal: CredentialRefusal) => boolean;
  readonly signal: AbortSignal;
}

/** What operators may see of a connection. */
export interface ConnectionStatus {
  readonly pid?: number;
  /** Resident memory of the process group in bytes, read when it is asked for. */
  readonly rss?: number | undefined;
  /** Last lines the child wrote to stderr, oldest first, control characters escaped. */
  readonly stderr?: readonly string[];
}

/** One conversation with one upstream. It moves JSON-RPC messages and knows nothing of their meaning. */
export interface Connection {
  /** `request`: replies arrive on the stream of their request. `connection`: all messages share one stream. */
  readonly attribution: 'request' | 'connection';
  /** The session id the upstream issued, if it did. Stays inside the gateway. */
  readonly sessionId: string | undefined;
  /**
   * Sends a request. The sink is never called before `send` returned; whatever becomes of the connection, `close` included,
   * a sink without response gets `onError`.
   */
  send(request: OutboundRequest, sink: ReplySink): RequestHandle;
  /** Sends a notification or a response. Resolves when the upstream took it. Rejects with a GatewayError. */
  post(message: Buffer): Promise<void>;
  /** The version to name in headers from now on. */
  setProtocolVersion(version: string): void;
  /**
   * Opens the upstream's standalone stream where the transport has one, and keeps it open by itself (honouring `retry`,
   * resuming with `Last-Event-ID`) until `close`. Does nothing where unsolicited messages arrive anyway, or where the
   * upstream answers 405.
   */
  listen(): void;
  status(): ConnectionStatus;
  /**
   * Ends the conversation: open requests fail, what was posted before still reaches the upstream (it gets a bounded time to
   * take it), sessions are deleted, children and their process group are gone when it resolves.
   */
  close(): Promise<void>;
}

/**
 * Extension point: a way to reach an MCP server. One instance serves all upstreams of its type.
 * Run `describeUpstreamTransport` (mcp-gateway/plugin/testing) over every implementation.
 */
export abstract class UpstreamTransport {
  /**
   * Opens a connection.
   * @throws GatewayError UPSTREAM_UNREACHABLE, UPSTREAM_HTTP, UPSTREAM_UNAUTHORIZED naming cause and next step
   */
  abstract connect(target: UpstreamTarget, options: ConnectOptions): Promise<Connection>;

  /**
   * Problems with a target's settings, each a sentence that starts with the offending key: `url: must be …`. Empty when
   * fine. Asked whenever a configuration is checked, without what stands in TLS files; reads no file, contacts nobody.
   */
  validate(_target: UpstreamTarget): readonly string[] {
    return [];
  }

  /**
   * Nothing was heard of this target for too long: what is kept open for later use may have nobody at its other end, and the next
   * request must not go there. What is under way is left alone.
   */
  renew(_target: UpstreamTarget): void {}

  /** Frees what is shared by all connections of a target (socket pools), after the last one is closed. */
  async release(_target: UpstreamTarget): Promise<void> {}
}
