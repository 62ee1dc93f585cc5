import type { ServerEntry } from '../entry.js';
import type { IntakeItem } from '../ingest/ingest.js';

/** One item behind an endpoint: where it lies in its upstream's list. */
export interface ScopeItem {
  readonly entry: ServerEntry;
  /** Position in `entry.lists[kind].items`. */
  readonly position: number;
  readonly item: IntakeItem;
}
