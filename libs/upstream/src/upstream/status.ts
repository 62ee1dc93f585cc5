import type { UpstreamConfig } from '#libs/config';
import type { Listing } from '#libs/mcp';
import type { ChildStatus, ProcessStatus, UpstreamStatus } from '#libs/plugin';
import type { CrashLoops } from '../pool/crash-loops.js';
import { SERVICE } from '../pool/session-spec.js';
import type { Slot } from '../pool/slot.js';
import type { Health } from '../supervisor/supervisor.js';

/** What operators see of an upstream. */
export function statusOf(
  { name, type, required }: Pick<UpstreamConfig, 'name' | 'type' | 'required'>,
  { nextRetry, reason, since, state }: Health,
  listing: Listing | undefined,
  slots: readonly Slot[],
  crashes: CrashLoops | undefined,
): UpstreamStatus {
  return {
    name,
    type,
    state,
    ...(reason === undefined ? {} : { reason }),
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
    ...(crashes ? { processes: processesOf(slots, crashes) } : {}),
  };
}

function processesOf(slots: readonly Slot[], crashes: CrashLoops): ProcessStatus {
  const { lastExit, restarts } = crashes;
  const children = slots.flatMap((slot) => childOf(slot, crashes) ?? []);
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
    service: group.spec.key === SERVICE.key,
    running,
  };
}
