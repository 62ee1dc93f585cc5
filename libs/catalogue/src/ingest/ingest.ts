import { createHash } from 'node:crypto';
import type { ObjectKind } from '#libs/kernel';
import { JsonView, LIST_KINDS, type Listing, type ListKind, scan } from '#libs/mcp';
import type { CatalogueItem, Quarantined } from '../contract.js';
import { checkItem } from './check-item.js';
import { printable } from './text.js';

/** Largest single item accepted. */
export const MAX_ITEM_BYTES = 1024 * 1024;
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
  readonly listing: Omit<Listing, 'items'>;
  readonly lists: Readonly<Record<ListKind, IntakeList>>;
}

/** Checks a listing. What equals the previous one is taken over from it; an equal listing gives `previous` itself. */
export function ingest(listing: Listing, previous: Intake | undefined): Intake {
  const { items, ...head } = listing;
  const lists = {} as Record<ListKind, IntakeList>;
  for (const kind of LIST_KINDS) {
    const source = sourceHash(items[kind], listing.era);
    const before = previous?.lists[kind];
    lists[kind] = before?.source === source ? before : ingestList(listing, kind, source);
  }
  const unchanged =
    previous &&
    LIST_KINDS.every((kind) => lists[kind] === previous.lists[kind]) &&
    JSON.stringify(head) === JSON.stringify(previous.listing);
  return unchanged ? previous : { listing: head, lists };
}

function ingestList({ server, era, items }: Listing, kind: ListKind, source: string): IntakeList {
  const good: IntakeItem[] = [];
  const quarantined: Quarantined[] = [];
  const repaired: Quarantined[] = [];
  const seen = new Set<string>();
  const note = (notes: Quarantined[], name: string, reason: string) => {
    if (notes.length < MAX_NOTES) notes.push({ server, kind, name: printable(name), reason });
  };
  for (const bytes of items[kind]) {
    const check = checkBytes(kind, bytes, era === 'modern');
    if (check.kind === 'bad') note(quarantined, check.name, check.reason);
    else if (seen.has(check.name)) note(quarantined, check.name, 'an earlier item of this server has the same name');
    else {
      const { name, raw } = check;
      seen.add(name);
      if (check.repairs.length > 0) note(repaired, name, check.repairs.join('; '));
      good.push({ ref: { kind: OBJECT_KINDS[kind], server, name }, raw, digest: digestOf(raw) });
    }
  }
  return { source, items: good, quarantined, repaired };
}

function checkBytes(kind: ListKind, bytes: Buffer, modern: boolean): ReturnType<typeof checkItem> {
  if (bytes.length > MAX_ITEM_BYTES) {
    return { kind: 'bad', name: '', reason: `it is larger than ${MAX_ITEM_BYTES} bytes` };
  }
  const scanned = scan(bytes, { depth: MAX_ITEM_DEPTH, nodes: MAX_ITEM_NODES, uniqueKeys: false });
  if (!(scanned instanceof JsonView)) return { kind: 'bad', name: '', reason: `it cannot be read: ${scanned.reason}` };
  return checkItem(kind, scanned, modern);
}

function digestOf(raw: Buffer): Buffer {
  return createHash('sha256').update(raw).digest().subarray(0, DIGEST_BYTES);
}

function sourceHash(items: readonly Buffer[], era: string): string {
  const hash = createHash('sha256').update(era);
  for (const item of items) hash.update(`,${item.length}:`).update(item);
  return hash.digest('base64url');
}
