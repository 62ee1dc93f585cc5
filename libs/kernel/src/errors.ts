import { maskSecrets } from './secret.js';

/** How loud a failure is in the log. */
export type ErrorLevel = 'debug' | 'info' | 'warn' | 'error';

/** Who produced an answer: the gateway itself, an upstream, or a decision about the caller. */
export type ErrorOrigin = 'gateway' | 'upstream' | 'policy' | 'auth';

/** One row of the catalogue: everything the outside sees of a failure, fixed in one place. */
export interface ErrorEntry {
  /** JSON-RPC code (M:base). Gateway-specific meaning travels in `data.code`, never in a new number. */
  readonly rpc: number;
  /** HTTP status when the failure is found before an answer stream is open. */
  readonly http: number;
  readonly level: ErrorLevel;
  /** Closed set of metric label values. */
  readonly reason: string;
  readonly origin: ErrorOrigin;
}

/**
 * Every failure the gateway itself reports. The key is the stable code users see in `data.code`, in logs and in
 * docs/errors.md (anchor: the code in lower case).
 */
export const ERRORS = {
  // the request could not be understood
  PARSE_ERROR: { rpc: -32700, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  INVALID_REQUEST: { rpc: -32600, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  INVALID_PARAMS: { rpc: -32602, http: 200, level: 'info', reason: 'bad_request', origin: 'gateway' },
  METHOD_NOT_FOUND: { rpc: -32601, http: 200, level: 'info', reason: 'bad_request', origin: 'gateway' },
  BODY_TOO_LARGE: { rpc: -32600, http: 413, level: 'info', reason: 'too_large', origin: 'gateway' },
  BODY_INCOMPLETE: { rpc: -32700, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  URI_TOO_LONG: { rpc: -32600, http: 414, level: 'info', reason: 'too_large', origin: 'gateway' },
  HEADERS_TOO_MANY: { rpc: -32600, http: 431, level: 'info', reason: 'too_large', origin: 'gateway' },
  UNSUPPORTED_MEDIA_TYPE: { rpc: -32600, http: 415, level: 'info', reason: 'bad_request', origin: 'gateway' },
  NOT_ACCEPTABLE: { rpc: -32600, http: 406, level: 'info', reason: 'bad_request', origin: 'gateway' },
  METHOD_NOT_ALLOWED: { rpc: -32600, http: 405, level: 'info', reason: 'bad_request', origin: 'gateway' },
  UNSUPPORTED_VERSION: { rpc: -32600, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  HEADER_MISMATCH: { rpc: -32020, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  CAPABILITY_REQUIRED: { rpc: -32021, http: 400, level: 'info', reason: 'capability', origin: 'gateway' },
  UNSUPPORTED_MODERN_VERSION: { rpc: -32022, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  META_MISSING: { rpc: -32602, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  METHOD_UNKNOWN: { rpc: -32601, http: 404, level: 'info', reason: 'bad_request', origin: 'gateway' },
  STATE_INVALID: { rpc: -32602, http: 200, level: 'info', reason: 'state', origin: 'gateway' },
  STATE_LOST: { rpc: -32602, http: 200, level: 'info', reason: 'state', origin: 'gateway' },
  PARKING_OFF: { rpc: -32603, http: 200, level: 'warn', reason: 'parking', origin: 'gateway' },
  PARKING_FULL: { rpc: -32603, http: 200, level: 'warn', reason: 'parking', origin: 'gateway' },
  LISTEN_LIMIT: { rpc: -32603, http: 200, level: 'warn', reason: 'limit', origin: 'gateway' },
  BATCH_NOT_ALLOWED: { rpc: -32600, http: 400, level: 'info', reason: 'bad_request', origin: 'gateway' },
  // who is calling, and from where
  FORBIDDEN_HOST: { rpc: -32600, http: 403, level: 'warn', reason: 'forbidden', origin: 'auth' },
  FORBIDDEN_ORIGIN: { rpc: -32600, http: 403, level: 'warn', reason: 'forbidden', origin: 'auth' },
  UNAUTHENTICATED: { rpc: -32600, http: 401, level: 'info', reason: 'unauthenticated', origin: 'auth' },
  TOKEN_INVALID: { rpc: -32600, http: 401, level: 'info', reason: 'unauthenticated', origin: 'auth' },
  CREDENTIALS_MALFORMED: { rpc: -32600, http: 400, level: 'info', reason: 'unauthenticated', origin: 'auth' },
  INSUFFICIENT_SCOPE: { rpc: -32600, http: 403, level: 'info', reason: 'scope', origin: 'policy' },
  ACCESS_DENIED: { rpc: -32600, http: 403, level: 'info', reason: 'denied', origin: 'policy' },
  AUTH_UNAVAILABLE: { rpc: -32603, http: 503, level: 'error', reason: 'auth_unavailable', origin: 'auth' },
  // sessions
  SESSION_MISSING: { rpc: -32600, http: 400, level: 'info', reason: 'session', origin: 'gateway' },
  SESSION_EXISTS: { rpc: -32600, http: 400, level: 'info', reason: 'session', origin: 'gateway' },
  SESSION_NOT_FOUND: { rpc: -32001, http: 404, level: 'info', reason: 'session', origin: 'gateway' },
  SESSION_LIMIT: { rpc: -32603, http: 429, level: 'warn', reason: 'limit', origin: 'gateway' },
  STREAM_LIMIT: { rpc: -32603, http: 429, level: 'warn', reason: 'limit', origin: 'gateway' },
  REPLICA_STATE: { rpc: -32603, http: 409, level: 'warn', reason: 'replica_state', origin: 'gateway' },
  // more than is allowed, or than can be done
  RATE_LIMITED: { rpc: -32603, http: 429, level: 'info', reason: 'limit', origin: 'policy' },
  OVERLOADED: { rpc: -32603, http: 503, level: 'warn', reason: 'overload', origin: 'gateway' },
  // names
  ENDPOINT_NOT_FOUND: { rpc: -32600, http: 404, level: 'info', reason: 'unknown', origin: 'gateway' },
  UNKNOWN_TOOL: { rpc: -32602, http: 200, level: 'info', reason: 'unknown', origin: 'gateway' },
  UNKNOWN_PROMPT: { rpc: -32602, http: 200, level: 'info', reason: 'unknown', origin: 'gateway' },
  UNKNOWN_RESOURCE: { rpc: -32002, http: 200, level: 'info', reason: 'unknown', origin: 'gateway' },
  INVALID_CURSOR: { rpc: -32602, http: 200, level: 'info', reason: 'bad_request', origin: 'gateway' },
  // upstreams
  UPSTREAM_UNREACHABLE: { rpc: -32603, http: 200, level: 'warn', reason: 'unreachable', origin: 'upstream' },
  UPSTREAM_DISCONNECTED: { rpc: -32603, http: 200, level: 'warn', reason: 'disconnected', origin: 'upstream' },
  UPSTREAM_TIMEOUT: { rpc: -32603, http: 200, level: 'warn', reason: 'timeout', origin: 'upstream' },
  UPSTREAM_HTTP: { rpc: -32603, http: 200, level: 'warn', reason: 'http_status', origin: 'upstream' },
  UPSTREAM_UNAUTHORIZED: { rpc: -32603, http: 200, level: 'warn', reason: 'upstream_auth', origin: 'upstream' },
  UPSTREAM_FORBIDDEN: { rpc: -32603, http: 200, level: 'warn', reason: 'upstream_auth', origin: 'upstream' },
  EGRESS_DENIED: { rpc: -32603, http: 200, level: 'warn', reason: 'egress', origin: 'policy' },
  UPSTREAM_SESSION_LOST: { rpc: -32603, http: 200, level: 'info', reason: 'session_lost', origin: 'upstream' },
  UPSTREAM_PROTOCOL: { rpc: -32603, http: 200, level: 'warn', reason: 'protocol', origin: 'upstream' },
  UPSTREAM_TOO_LARGE: { rpc: -32603, http: 200, level: 'warn', reason: 'too_large', origin: 'upstream' },
  UPSTREAM_BUSY: { rpc: -32603, http: 200, level: 'warn', reason: 'busy', origin: 'upstream' },
  UPSTREAM_REMOVED: { rpc: -32603, http: 200, level: 'info', reason: 'removed', origin: 'gateway' },
  // questions to the client
  ASK_UNATTRIBUTED: { rpc: -32601, http: 200, level: 'warn', reason: 'ask', origin: 'gateway' },
  ASK_UNSUPPORTED: { rpc: -32601, http: 200, level: 'info', reason: 'ask', origin: 'gateway' },
  ASK_TIMEOUT: { rpc: -32603, http: 200, level: 'info', reason: 'ask', origin: 'gateway' },
  ASK_UNDELIVERED: { rpc: -32603, http: 200, level: 'info', reason: 'ask', origin: 'gateway' },
  // life cycle
  CLIENT_TOO_SLOW: { rpc: -32603, http: 200, level: 'info', reason: 'client_slow', origin: 'gateway' },
  CANCELLED: { rpc: -32603, http: 200, level: 'debug', reason: 'cancelled', origin: 'gateway' },
  SHUTTING_DOWN: { rpc: -32603, http: 503, level: 'info', reason: 'shutdown', origin: 'gateway' },
  INTERNAL: { rpc: -32603, http: 500, level: 'error', reason: 'internal', origin: 'gateway' },
  // start-up: never on the wire
  CONFIG_INVALID: { rpc: -32603, http: 500, level: 'error', reason: 'config', origin: 'gateway' },
  PLUGIN_INVALID: { rpc: -32603, http: 500, level: 'error', reason: 'plugin', origin: 'gateway' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface GatewayErrorOptions {
  /** Members for the wire's `error.data`, besides `code` and `requestId`. Never secrets, never the client's data. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /**
   * True when the upstream provably did not execute the request (refused connection, unknown session), so that it
   * may be sent again. Absent means it may have executed: never repeat it.
   */
  readonly notExecuted?: boolean;
}

/**
 * A failure from the catalogue. `message` is a sentence for people: what happened, where, and the next step; values of
 * secrets in it, which an upstream may have given back, are masked.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly data: Readonly<Record<string, unknown>>;
  readonly notExecuted: boolean;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: GatewayErrorOptions = {},
  ) {
    super(maskSecrets(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.data = options.data ?? {};
    this.notExecuted = options.notExecuted ?? false;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }

  /** `error.data` as the client sees it. Members of `data` never replace the code, the origin or the request id. */
  wireData(requestId: string): Record<string, unknown> {
    const { code: _code, origin: _origin, ...data } = this.data;
    return { code: this.code, origin: this.entry.origin, ...data, requestId };
  }
}

/** Wraps whatever was thrown; what is not from the catalogue becomes INTERNAL with a constant text. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError('INTERNAL', 'The gateway failed while handling this request; its log has the details', {
    cause: thrown,
  });
}

/** The message of whatever was thrown. Never throws itself. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    return 'something that cannot be shown as text was thrown';
  }
}
