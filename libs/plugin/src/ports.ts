import type { Log, ObjectRef, Principal } from '#libs/kernel';

/** Port: may this caller see and use this object? Bound by the PermissionModule. An error in it is a denial. */
export abstract class Decide {
  /** Changes whenever an equal question may get another answer. */
  abstract readonly policyVersion: number;
  abstract allows(principal: Principal, ref: ObjectRef): boolean;
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

export interface UpstreamStatus {
  readonly name: string;
  readonly type: string;
  readonly state: UpstreamState;
  /** Why, in a sentence with the next step; absent when all is well. */
  readonly reason?: string;
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
  /** A client's request, by the protocol of its hop. */
  abstract requested(era: 'legacy' | 'modern', version: string): void;
  /** A deviation of a client that was put up with; `fault` is from a closed set. */
  abstract tolerated(fault: string): void;
}
