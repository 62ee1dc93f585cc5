import type { Ask, Emitter, Exchange, GatewayError, InputRequest, Outcome, Resumption } from '#libs/kernel';
import type { Draft, Listing } from '#libs/mcp';
import type { UpstreamStatus } from '#libs/plugin';

/** A request for one upstream, in that upstream's spelling. */
export interface UpstreamCall {
  readonly method: string;
  /** Params without hop-by-hop `_meta` keys; the upstream room adds its own (progress token, request id). */
  readonly params?: Draft;
  /** Whether the client wants progress; if so, progress reaches the sink. */
  readonly wantsProgress: boolean;
  /** What to call the object in error texts, e.g. `tool echo`. */
  readonly subject: string;
  /**
   * The caller is a modern client: an `input_required` of a modern upstream is its to answer and comes back as outcome.
   * Without it the session asks through the sink and goes on by itself, within bounds.
   */
  readonly relaysInput?: boolean | undefined;
  /** Answers on a retry, for a modern upstream; a legacy upstream never sees them. */
  readonly resumption?: Resumption | undefined;
  /** Headers `Mcp-Param-*` for a modern HTTP upstream, by the tool's own declarations (M:http). */
  readonly paramHeaders?: Readonly<Record<string, string>> | undefined;
  /**
   * Running it twice does no harm: it only reads, or its tool says so of itself. Where `connection.replay` allows it, it is
   * sent again after a failure that leaves open whether it ran.
   */
  readonly repeatable: boolean;
  /** It may ask its client something (tools do): where the wire does not say whom, it has its session to itself. */
  readonly solo: boolean;
  /** Milliseconds of `connection.max_total` that the call has used up before it comes here. */
  readonly spent?: number;
}

/** Where what the upstream wants to tell this caller goes. */
export interface CallSink {
  /** `notifications/progress` params arrive without their token; the caller restores the client's own. */
  progress(params: Buffer): void;
  /** `notifications/message` params, as the upstream wrote them. */
  log(params: Buffer): void;
  ask(request: InputRequest): Ask;
}

/** What upstreams tell the rest of the gateway, outside of calls. */
export interface UpstreamEvents {
  /** Fresh lists after discovery. */
  listed: Listing;
  /** The upstream is gone from the configuration, or its grace time is over: its things vanish from the lists. */
  withdrawn: { readonly server: string; readonly reason: string };
  /** Fresh lists of one caller (`Principal.key`), from an upstream the gateway itself cannot ask: for that caller alone. */
  listedFor: { readonly owner: string; readonly listing: Listing };
  /** The same is out of date, for one caller or for all. */
  withdrawnFor: { readonly server: string; readonly owner: string | undefined };
  status: UpstreamStatus;
  /** A limit was reached where no client is told of it: its key in the configuration. */
  limited: { readonly server: string; readonly key: string };
  /** `notifications/resources/updated` on an upstream session; `clients` are the client sessions subscribed there. */
  resourceUpdated: {
    readonly server: string;
    readonly uri: string;
    readonly params: Buffer;
    readonly clients: readonly string[];
  };
  /** A log message outside any call that can be attributed to these client sessions. */
  logged: { readonly server: string; readonly params: Buffer; readonly clients: readonly string[] };
  /** `roots/list` outside of any call, for this client session. Whoever can put it to the client takes it, at once. */
  asked: {
    readonly server: string;
    readonly client: string;
    readonly request: InputRequest;
    take(ask: Ask): void;
  };
  /** `notifications/elicitation/complete` for these client sessions. */
  elicitationCompleted: { readonly server: string; readonly params: Buffer; readonly clients: readonly string[] };
}

/** One upstream as the proxy sees it. */
export interface UpstreamHandle {
  readonly name: string;
  /** False: the configuration switches it off, and nobody is ever sent there. */
  readonly enabled: boolean;
  readonly status: UpstreamStatus;
  /** Last good lists, also while the upstream is down. */
  readonly listing: Listing | undefined;
  /** The gateway has no credential of its own there: each caller is listed what is its alone. */
  readonly listsPerCaller: boolean;
  /** Whether what is this caller's alone has been listed; true where there is no such thing. */
  listsFor(exchange: Exchange): boolean;
  /** It has neither been connected nor been found to be down since it was started, so what it offers is not known yet. */
  readonly arriving: boolean;
  /**
   * Resolves when that is known, or when a call may wait for it no longer.
   * @throws GatewayError the exchange's reason
   */
  arrived(exchange: Exchange): Promise<void>;
  /** What callers are told while it cannot serve: the cause and what the gateway does about it. */
  readonly unavailable: GatewayError | undefined;
  /**
   * Sends a request on the right upstream session for this exchange and waits for its outcome. Bounded by the
   * upstream's inactivity timeout and total limit, aborted with the exchange (cancellation reaches the upstream).
   * @throws GatewayError UPSTREAM_* naming the upstream, the cause and the next step
   */
  send(call: UpstreamCall, exchange: Exchange, sink: CallSink): Promise<Outcome>;
  /**
   * Makes sure that `listing` says what clients with this exchange's capabilities are offered, where that can be
   * known: opens the exchange's session when its capability set was never seen here. Where each caller is listed what is
   * its alone, fetches that unless it is fresh. Bound it from outside.
   * @throws GatewayError when no session can be opened
   */
  prepare(exchange: Exchange): Promise<void>;
  /**
   * Watches a resource for a subscriber, counted per upstream session and subscriber: a client session, or the id of a
   * modern client's listen stream. On a modern upstream it joins the shared listen stream.
   */
  subscribe(uri: string, exchange: Exchange, subscriber: string): Promise<Outcome>;
  unsubscribe(uri: string, exchange: Exchange, subscriber: string): Promise<Outcome>;
  /** The level this client session wants; forwarded or folded into the most verbose one in use. */
  setLevel(level: string, exchange: Exchange): Promise<void>;
  /** The client's roots changed: told to the upstream sessions that serve it and were told of roots. */
  rootsChanged(clientSession: string): void;
}

/** The back door. */
export interface UpstreamDirectory {
  readonly events: Emitter<UpstreamEvents>;
  get(name: string): UpstreamHandle | undefined;
  /** In configured order, disabled ones included. */
  all(): readonly UpstreamHandle[];
  /** A client session can be told from now on what belongs to no request. */
  clientListens(clientSession: string): void;
  /** Frees everything held for a client session that ended. */
  releaseClient(clientSession: string): void;
}
