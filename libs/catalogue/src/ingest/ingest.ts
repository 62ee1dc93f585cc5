import { createHash } from 'node:crypto';
import type { ObjectKind } from '#libs/kernel';
import { JsonView, LIST_KINDS, type Listing, type ListKind, scan } from '#libs/mcp';
import type { CatalogueItem, Quarantined } from '../contract.js';
import { checkItem, type ItemCheck, type Origin } from './check-item.js';
import { ITEM_LIMITS, type ItemLimits, LIMIT_KEYS } from './item-limits.js';
import { printable } from './text.js';

/** Deepest nesting accepted within an item, the item itself included. */
export const MAX_ITEM_DEPTH = 64;
const MAX_ITEM_NODES = 100_000;
/** Quarantine and repair notes kept per list; a broken server must not fill the memory with complaints. */
const MAX_NOTES = 1_000;

/** Bytes of a content hash of one item. */
export const DIGEST_BYTES = 16;

export const OBJECT_KINDS: Readonly<Record<ListKind, ObjectKind>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  templates: 'template',
};

/** One item that passed, with a hash of its bytes. */
export interface IntakeItem extends CatalogueItem {
  readonly digest: Buffer;
}

/** One list of one upstream after the checks. */
export interface IntakeList {
  /** Hash of the list as the upstream sent it. */
  readonly source: string;
  readonly items: readonly IntakeItem[];
  readonly quarantined: readonly Quarantined[];
  /** Items that stayed after something harmless was mended, with what it was. */
  readonly repaired: readonly Quarantined[];
}

/** Everything one upstream offers, checked. */
export interface Intake {
  /** What the items were held to. */
  readonly limits: ItemLimits;
  readonly listing: Omit<Listing, 'items' | 'freshness'>;
  readonly lists: Readonly<Record<ListKind, IntakeList>>;
}

/**
 * Checks a listing. How long it may be kept is no part of it. What equals the previous one is taken over from it; an equal listing gives
 * `previous` itself.
 */
export function ingest(listing: Listing, previous: Intake | undefined, limits: ItemLimits = ITEM_LIMITS): Intake {
  const { items, freshness: _, ...head } = listing;
  const comparable =
    previous?.listing.era === listing.era &&
    (previous.listing.http ?? false) === (listing.http ?? false) &&
    previous.limits === limits
      ? previous
      : undefined;
  const lists = {} as Record<ListKind, IntakeList>;
  for (const kind of LIST_KINDS) lists[kind] = ingestList(listing, kind, limits, comparable?.lists[kind]);
  const unchanged =
    comparable &&
    LIST_KINDS.every((kind) => lists[kind] === comparable.lists[kind]) &&
    JSON.stringify(head) === JSON.stringify(comparable.listing);
  return unchanged ? comparable : { limits, listing: head, lists };
}

function ingestList(
  { server, era, http = false, items: lists }: Listing,
  kind: ListKind,
  limits: ItemLimits,
  previous: IntakeList | undefined,
): IntakeList {
  const sources = lists[kind];
  const digests = sources.map(digestOf);
  const source = digestOf(Buffer.concat(digests)).toString('base64url');
  if (previous?.source === source) return previous;

  // Bytes that passed before pass again: a long list of which one item changed costs one check.
  const passed = new Map(previous?.items.map((item) => [item.digest.toString('latin1'), item]));
  const items: IntakeItem[] = [];
  const quarantined: Quarantined[] = [];
  const repaired: Quarantined[] = [];
  const origin = { modern: era === 'modern', http };
  const seen = new Set<string>();
  const note = (notes: Quarantined[], name: string, reason: string, limit?: string) => {
    if (notes.length >= MAX_NOTES) return;
    notes.push({ server, kind, name: printable(name), reason, ...(limit !== undefined && { limit }) });
  };
  for (const [i, bytes] of sources.entries()) {
    const digest = digests[i]!;
    const known = passed.get(digest.toString('latin1'));
    const check = known ? pass(known) : checkBytes(kind, bytes, origin, limits);
    if (check.kind === 'bad') note(quarantined, check.name, check.reason, check.limit);
    else if (seen.has(check.name)) note(quarantined, check.name, 'an earlier item of this server has the same name');
    else {
      const { name, raw, repairs, limit, kind: _, ...traits } = check;
      seen.add(name);
      if (repairs.length > 0) note(repaired, name, repairs.join('; '), limit);
      const mended = repairs.length > 0;
      const ref = { kind: OBJECT_KINDS[kind], server, name };
      items.push(known ?? { ref, raw, ...traits, digest: mended ? digestOf(raw) : digest });
    }
  }
  return { source, items, quarantined, repaired };
}

function pass({ ref, raw }: IntakeItem): ItemCheck {
  return { kind: 'good', name: ref.name, raw, repairs: [] };
}

function checkBytes(kind: ListKind, bytes: Buffer, origin: Origin, limits: ItemLimits): ItemCheck {
  if (bytes.length > limits.item) {
    return { kind: 'bad', name: '', reason: `it is larger than ${limits.item} bytes`, limit: LIMIT_KEYS.item };
  }
  const scanned = scan(bytes, { depth: MAX_ITEM_DEPTH, nodes: MAX_ITEM_NODES, uniqueKeys: false });
  if (!(scanned instanceof JsonView)) return { kind: 'bad', name: '', reason: `it cannot be read: ${scanned.reason}` };
  return checkItem(kind, scanned, origin, limits);
}

export function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, DIGEST_BYTES);
}
