import type { UpstreamConfig } from '#libs/config';
import type { Listing } from '#libs/mcp';
import type { ChildStatus, ProcessStatus, UpstreamStatus } from '#libs/plugin';
import type { CrashLoops } from '../pool/crash-loops.js';
import { isService } from '../pool/session-spec.js';
import type { Slot } from '../pool/slot.js';
import type { CallBreaker } from '../supervisor/call-breaker.js';
import type { Health } from '../supervisor/supervisor.js';

export interface StatusParts {
  readonly config: Pick<UpstreamConfig, 'name' | 'type' | 'required'>;
  readonly health: Health;
  readonly listing: Listing | undefined;
  readonly slots: readonly Slot[];
  readonly inFlight: number;
  readonly breaker: Pick<CallBreaker, 'state' | 'openings'>;
  /** Of upstreams that are child processes. */
  readonly crashes: CrashLoops | undefined;
}

/** What operators see of an upstream. */
export function statusOf({ breaker, config, crashes, health, inFlight, listing, slots }: StatusParts): UpstreamStatus {
  const { name, type, required } = config;
  const { cause, nextRetry, reason, since, state } = health;
  return {
    name,
    type,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(cause === undefined ? {} : { cause: cause.code }),
    since,
    ...(nextRetry === undefined ? {} : { nextRetry }),
    required,
    ...(listing ? { era: listing.era, version: listing.version } : {}),
    ...(listing?.dual ? { dual: true } : {}),
    counts: {
      tools: listing?.items.tools.length ?? 0,
      prompts: listing?.items.prompts.length ?? 0,
      resources: listing?.items.resources.length ?? 0,
    },
    sessions: slots.length,
    pids: slots.flatMap((slot) => slot.session.status().pid ?? []),
    inFlight,
    breaker: { state: breaker.state, openings: breaker.openings },
    ...(crashes ? { processes: processesOf(slots, crashes) } : {}),
  };
}

function processesOf(slots: readonly Slot[], crashes: CrashLoops): ProcessStatus {
  const { lastExit, restarts } = crashes;
  const byAge = slots.toSorted((one, other) => one.opened - other.opened);
  const children = byAge.flatMap((slot) => childOf(slot, crashes) ?? []);
  return { children, restarts, ...(lastExit ? { lastExit } : {}) };
}

function childOf({ group, opened, running, session }: Slot, crashes: CrashLoops): ChildStatus | undefined {
  const { pid } = session.status();
  if (pid === undefined) return undefined;
  return {
    pid,
    since: Math.round(Date.now() - (performance.now() - opened)),
    get rss() {
      return session.status().rss;
    },
    restarts: crashes.restartsOf(group.spec),
    service: isService(group.spec),
    running,
  };
}
