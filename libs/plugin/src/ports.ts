import type { Log, ObjectRef, Principal } from '#libs/kernel';

/**
 * What a policy says of one caller and one object. `allow`: see and use. `challenge`: see; using it needs all of `scopes`,
 * which the caller can ask its authorization server for. `hide`: as if it did not exist. `rule` names what decided, for
 * people and the audit.
 */
export type Decision =
  | { readonly effect: 'allow'; readonly rule: string }
  | { readonly effect: 'challenge'; readonly rule: string; readonly scopes: readonly string[] }
  | { readonly effect: 'hide'; readonly rule: string };

/** Port: may this caller see and use this object? Bound by the PermissionModule. An error in it is a denial. */
export abstract class Decide {
  /** Changes whenever an equal question may get another answer. */
  abstract readonly policyVersion: number;
  abstract decide(principal: Principal, ref: ObjectRef): Decision;
  /** Callers of one class get the same answers to everything, while the policy version stays. */
  abstract classOf(principal: Principal): string;

  /**
   * Whether this caller may know that a server exists before anything of it is listed: when there is something it could be
   * shown there. A policy that can tell more than for a server's things as a whole overrides it.
   */
  mayKnow(principal: Principal, server: string): boolean {
    const whole = (kind: ObjectRef['kind']) => this.decide(principal, { kind, server, name: '*' }).effect !== 'hide';
    return whole('tool') || whole('prompt') || whole('resource');
  }

  /** Runs whenever the policy version has changed. Returns the function that stops it. */
  onChange(_listener: () => void): () => void {
    return () => {};
  }
}

/** One JSON value that was found valid, where it lies. */
export interface JsonSpan {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * One line of the audit. `call`: it went to an upstream. `denied`: permissions or a policy kept the caller from it, unknown
 * names included. `refused`: it was turned away for another reason (credentials, limits, params). Values of arguments are told
 * only where the operator asked for them.
 */
export interface AuditEvent {
  readonly event: 'call' | 'denied' | 'refused';
  /** Correlation id: the same as in the log and in the X-Request-Id header. */
  readonly requestId: string;
  readonly principal?: Principal | undefined;
  /** `clientInfo` of the caller. */
  readonly client?: { readonly name: string; readonly version: string } | undefined;
  readonly remoteAddress: string;
  /** Path of the front door, e.g. `/mcp`. */
  readonly endpoint: string;
  readonly method: string;
  readonly server?: string | undefined;
  /** The upstream's own name of the tool or prompt, or the URI; of what was refused, the name as it was sent. */
  readonly object?: string | undefined;
  /** The name the client used, where it differs. */
  readonly exposed?: string | undefined;
  /** Absent when it did not come to one. */
  readonly decision?: 'allow' | 'challenge' | 'hide' | 'deny' | 'unauthenticated' | undefined;
  /** What decided; `policy:` and its name where it was a call policy. */
  readonly rule?: string | undefined;
  /** Why, in the words of a call policy. */
  readonly reason?: string | undefined;
  /** `Decide.policyVersion` at the decision. */
  readonly policyVersion?: number | undefined;
  readonly outcome: 'result' | 'tool_error' | 'error' | 'input_required' | 'refused';
  /** Code of the catalogue when the gateway itself failed or refused; the number of an error that the upstream answered. */
  readonly code?: string | undefined;
  readonly durationMs?: number | undefined;
  /** The call's arguments, of which keys and sizes are recorded. To be read at once: the memory is the message's. */
  readonly arguments?: JsonSpan | undefined;
}

/** Port: who did what, and who was kept from it. Bound by the AuditModule. Never throws, never waits. */
export abstract class AuditTrail {
  /** False when nobody reads it: then nothing needs to be put together. */
  abstract readonly enabled: boolean;
  abstract record(event: AuditEvent): void;
}

/** Port: the gateway's log, as an injectable. Bound by the LoggingModule. */
export abstract class GatewayLog implements Log {
  abstract debug(fields: object, message: string): void;
  abstract info(fields: object, message: string): void;
  abstract warn(fields: object, message: string): void;
  abstract error(fields: object, message: string): void;
}

/** Where an upstream stands. `degraded` serves, with a reason; `unreachable` is retried for ever. */
export type UpstreamState = 'connecting' | 'ready' | 'degraded' | 'unreachable' | 'disabled';

/** How a child process ended, other than by the gateway's own wish. */
export interface ExitStatus {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Its exit code, or the signal that ended it; neither when it was given up while it still ran. */
  readonly code?: number;
  readonly signal?: string;
  /** The whole story in a sentence. */
  readonly reason: string;
  /** What it said last on stderr, without the secrets it was given. */
  readonly stderr?: string;
}

/** One child process that serves. */
export interface ChildStatus {
  readonly pid: number;
  /** Milliseconds since the epoch: when it was ready. */
  readonly since: number;
  /** Resident memory of its process group in bytes; read when it is asked for, undefined where the system does not tell. */
  readonly rss: number | undefined;
  /** How often children for the same callers were started in place of one that had ended by itself. */
  readonly restarts: number;
  /** It lists and answers pings; callers who need nothing of their own use it too. */
  readonly service: boolean;
  /** Calls running on it. */
  readonly running: number;
}

/** The child processes of one stdio upstream. */
export interface ProcessStatus {
  readonly children: readonly ChildStatus[];
  /** Children that were started in place of one that had ended by itself, of all callers. */
  readonly restarts: number;
  readonly lastExit?: ExitStatus;
}

export interface UpstreamStatus {
  readonly name: string;
  readonly type: string;
  readonly state: UpstreamState;
  /** Why, in a sentence with the next step; absent when all is well. */
  readonly reason?: string;
  /** Code of the failure behind it (docs/errors.md), while it is down. */
  readonly cause?: string;
  /** Milliseconds since the epoch of the last change of state. */
  readonly since: number;
  /** Milliseconds since the epoch of the next try, when one is planned. */
  readonly nextRetry?: number;
  readonly required: boolean;
  readonly era?: 'legacy' | 'modern';
  readonly version?: string;
  /** It speaks both eras, each client's own where it can; `era` and `version` are the gateway's own with it. */
  readonly dual?: boolean;
  readonly counts: { readonly tools: number; readonly prompts: number; readonly resources: number };
  /** Live upstream sessions. */
  readonly sessions: number;
  readonly pids: readonly number[];
  /** Of upstreams that are child processes. */
  readonly processes?: ProcessStatus;
  /** Requests that are under way or wait for a session. */
  readonly inFlight: number;
  /** Whether calls are held back because too many did not come back, and how often that was so. */
  readonly breaker: { readonly state: 'closed' | 'open' | 'half_open'; readonly openings: number };
}

/** Port: what health checks and the status page read. Bound by the proxy. */
export abstract class StatusSource {
  abstract upstreams(): readonly UpstreamStatus[];
  /** True once the first configuration is applied. */
  abstract started(): boolean;
  abstract draining(): boolean;
}

/** Port: counts and timings. Bound by the MetricsModule; every label value comes from the catalogue or a closed set. */
export abstract class CallMetrics {
  abstract toolCalled(server: string, tool: string): void;
  abstract toolFinished(server: string, tool: string, outcome: 'success' | 'error', seconds: number): void;
  abstract listed(server: string): void;
  abstract refused(reason: string): void;
  /** A bound was reached: its key in the configuration, and the rule of `rate_limit` where it was one (else empty). */
  abstract limited(key: string, rule: string): void;
  /** A client's request, by the protocol of its hop. */
  abstract requested(era: 'legacy' | 'modern', version: string): void;
  /** A deviation of a client that was put up with; `fault` is from a closed set. */
  abstract tolerated(fault: string): void;
}
