import type { UpstreamConfig } from '#libs/config';
import type { Listing } from '#libs/mcp';
import type { UpstreamStatus } from '#libs/plugin';
import type { Slot } from '../pool/slot.js';
import type { Health } from '../supervisor/supervisor.js';

/** What operators see of an upstream. */
export function statusOf(
  { name, type, required }: Pick<UpstreamConfig, 'name' | 'type' | 'required'>,
  { nextRetry, reason, since, state }: Health,
  listing: Listing | undefined,
  slots: readonly Slot[],
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
  };
}
