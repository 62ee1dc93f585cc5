import type {
  Ask,
  ClientSession,
  Endpoint,
  Exchange,
  InputRequest,
  OutboundNotification,
  Outcome,
  Principal,
  Spelling,
} from '#libs/kernel';
import type { NotificationMessage, ParamHeader, RequestMessage } from '#libs/mcp';

/** A session's way to its client outside of requests. */
export interface SessionChannel {
  deliver(notification: OutboundNotification): void;
  ask(request: InputRequest): Ask;
}

/** `params.notifications` of subscriptions/listen (M:subs). */
export interface ListenWish {
  readonly toolsListChanged: boolean;
  readonly promptsListChanged: boolean;
  readonly resourcesListChanged: boolean;
  readonly resourceSubscriptions: readonly string[];
}

export interface Listening {
  /** The subset that is honoured; waits for upstreams at most two seconds. */
  readonly honoured: Promise<ListenWish>;
  stop(): void;
}

/** What a waiting call would come to if the retry took it up. */
export interface Readmission {
  /** As `McpProxy.target` tells it. */
  readonly target: string;
  /** Rejects with the GatewayError to answer when a policy objects. Absent where there is nothing to wait for. */
  readonly judging?: Promise<void>;
}

/** What the front door needs of the proxy. `ProxyService` is the one implementation. */
export abstract class McpProxy {
  /**
   * The endpoint behind `/mcp` (undefined) or `/mcp/<name>`; undefined when there is none of that name, or none that this
   * caller may know.
   */
  abstract endpoint(name: string | undefined, principal?: Principal): Endpoint | undefined;

  /** How names are spelled for a client of this name (`clients:` profiles). Logged once per profile. */
  abstract spelling(clientName: string): Spelling;

  /**
   * Waits until what this client is offered can be told, within bounds: right after the start for upstreams to connect,
   * and the first time for those whose lists depend on the capabilities the client declared. With a request, also for the
   * upstream that it is about, as long as its call would. Undefined where nothing has to be waited for.
   */
  abstract warm(exchange: Exchange, request?: RequestMessage): Promise<void> | undefined;

  /** JSON of a legacy InitializeResult for this endpoint, caller and negotiated version. Never waits for upstreams. */
  abstract initializeResult(exchange: Exchange): Buffer;

  /**
   * Answers a request other than `initialize` and `ping`. The outcome's bytes are final: names, URIs and content are in
   * the client's spelling and revision.
   * @throws GatewayError with the code to answer
   */
  abstract handle(exchange: Exchange, request: RequestMessage): Promise<Outcome> | Outcome;

  /** A client's notification that concerns upstreams (`roots/list_changed`). Others are ignored. */
  abstract notified(session: ClientSession, notification: NotificationMessage): void;

  /**
   * Change notifications, resource updates, unsolicited log messages and questions about roots for a session, while it
   * has a stream to take them. Returns the function that stops it.
   */
  abstract subscribe(session: ClientSession, channel: SessionChannel): () => void;

  /** JSON of a DiscoverResult without `resultType`, `ttlMs` and the like: the front door adds what its era wants. */
  abstract discoverResult(exchange: Exchange): Buffer;

  /** JSON text of the gateway's own Implementation, for the `serverInfo` of every modern result. */
  abstract readonly identity: string;

  /**
   * Canonical name of what a request is about, in this caller's view of today. Cheap; no upstream is asked.
   * @throws GatewayError as `handle` would: unknown and hidden are the same
   */
  abstract target(exchange: Exchange, request: RequestMessage): string;

  /**
   * Whether a retry may take up the call that waits for it: judged as if it came for the first time, and by the policies once
   * more. `waiting` is the exchange that the call was handed over with.
   * @throws GatewayError as `handle` would
   */
  abstract readmit(exchange: Exchange, request: RequestMessage, waiting: Exchange): Readmission;

  /**
   * The `x-mcp-header` declarations of a tool in this caller's view, by header name in lower case; undefined when the
   * tool is not in the view.
   */
  abstract paramHeaders(exchange: Exchange, tool: string): ReadonlyMap<string, ParamHeader> | undefined;

  /**
   * A modern client's listen stream: what of the wish can be honoured, and what changes from now on. URIs are in the
   * client's spelling both ways. `stop` frees everything.
   */
  abstract listen(
    exchange: Exchange,
    wish: ListenWish,
    deliver: (notification: OutboundNotification) => void,
  ): Listening;

  /** The session ended (DELETE, expiry): everything held for it is freed. */
  abstract closeSession(session: ClientSession): void;
}
