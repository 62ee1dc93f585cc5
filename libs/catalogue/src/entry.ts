import type { Era } from '#libs/kernel';
import { type Audiences, LIST_KINDS, type ListKind } from '#libs/mcp';
import type { Quarantined } from './contract.js';
import type { Intake, IntakeItem } from './ingest/ingest.js';
import { presentTools } from './presentation.js';
import type { CatalogueServer } from './settings.js';

/** One list of one upstream as the catalogue has it. Replaced as a whole when anything in it changes. */
export interface ItemList {
  /** Never used twice: what was encoded from this list is cached under it. */
  readonly stamp: number;
  readonly items: readonly IntakeItem[];
  /** Position by the upstream's own name or URI. */
  readonly positions: ReadonlyMap<string, number>;
  /** Items that are offered to some capability sets only, by own name or URI. */
  readonly only: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether legacy clients see some of it in another form. */
  readonly wraps: boolean;
}

/** What the catalogue knows of one upstream. Immutable; the same object for as long as nothing in it changes. */
export interface ServerEntry {
  readonly name: string;
  readonly prefix: string;
  readonly era: Era;
  /** Negotiated version of the upstream hop. */
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
  readonly lists: Readonly<Record<ListKind, ItemList>>;
  readonly counts: Readonly<Record<ListKind, number>>;
  /** Items left out, with the reason. */
  readonly quarantined: readonly Quarantined[];
  /** Items that stayed after something harmless was mended. */
  readonly repaired: readonly Quarantined[];
  /** Overrides of tools that could not be followed, with the reason. */
  readonly misfits: readonly Quarantined[];
  /** Lists that could not be fetched the last time. */
  readonly failed: Readonly<Partial<Record<ListKind, string>>>;
  /** Capability sets the upstream was asked for; any other is offered what the empty one is. */
  readonly probed: ReadonlySet<string>;
  /** What this entry was made from. */
  readonly intake: Intake;
}

let lastStamp = 0;

/** Makes an entry, taking over from the previous one what is the same; gives `previous` itself when everything is. */
export function buildEntry(settings: CatalogueServer, intake: Intake, previous: ServerEntry | undefined): ServerEntry {
  const prefix = settings.prefix ?? settings.name;
  const reusable = previous?.prefix === prefix ? previous : undefined;
  const lists = {} as Record<ListKind, ItemList>;
  const tools = presentTools(settings, intake);
  for (const kind of LIST_KINDS) {
    const items = kind === 'tools' ? tools.items : intake.lists[kind].items;
    const before = reusable?.lists[kind];
    const only = intake.listing.audiences?.only[kind] ?? [];
    lists[kind] =
      before && sameItems(before.items, items) && sameOnly(before.only, only) ? before : makeList(items, only);
  }
  const same =
    reusable?.intake === intake &&
    LIST_KINDS.every((kind) => lists[kind] === reusable.lists[kind]) &&
    sameNotes(reusable.misfits, tools.misfits);
  if (same) return reusable;
  const { version, era, capabilities, serverInfo, instructions, failed } = intake.listing;
  return Object.freeze({
    name: settings.name,
    prefix,
    era,
    version,
    capabilities,
    serverInfo,
    ...(instructions !== undefined && { instructions }),
    lists,
    counts: {
      tools: lists.tools.items.length,
      prompts: lists.prompts.items.length,
      resources: lists.resources.items.length,
      templates: lists.templates.items.length,
    },
    quarantined: LIST_KINDS.flatMap((kind) => intake.lists[kind].quarantined),
    repaired: LIST_KINDS.flatMap((kind) => intake.lists[kind].repaired),
    misfits: tools.misfits,
    failed,
    probed: new Set(intake.listing.audiences?.probed),
    intake,
  });
}

/** Whether this upstream has resources at all, declared or listed. */
export function offersResources({ capabilities, counts }: ServerEntry): boolean {
  return capabilities['resources'] != null || counts.resources > 0 || counts.templates > 0;
}

const CAPABILITIES: Readonly<Record<ListKind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  templates: 'resources',
};

/** Whether this upstream has such a list at all, declared or listed. */
export function contributes({ capabilities, counts }: ServerEntry, kind: ListKind): boolean {
  return capabilities[CAPABILITIES[kind]] != null || counts[kind] > 0;
}

/** Whether a client with this capability set is offered an item. */
export function isOffered(entry: ServerEntry, kind: ListKind, name: string, capabilities: string): boolean {
  const sets = entry.lists[kind].only.get(name);
  return sets === undefined || sets.has(entry.probed.has(capabilities) ? capabilities : '');
}

type Only = Audiences['only'][ListKind];

function makeList(items: readonly IntakeItem[], only: Only): ItemList {
  return {
    stamp: ++lastStamp,
    items,
    positions: new Map(items.map(({ ref }, position) => [ref.name, position])),
    only: new Map(only.map(([name, sets]) => [name, new Set(sets)])),
    wraps: items.some(({ wrapsOutput }) => wrapsOutput),
  };
}

function sameOnly(before: ItemList['only'], only: Only): boolean {
  return (
    before.size === only.length &&
    only.every(
      ([name, sets]) => before.get(name)?.size === sets.length && sets.every((set) => before.get(name)?.has(set)),
    )
  );
}

function sameNotes(before: readonly Quarantined[], notes: readonly Quarantined[]): boolean {
  return (
    before.length === notes.length &&
    before.every(({ name, reason }, i) => name === notes[i]?.name && reason === notes[i].reason)
  );
}

function sameItems(before: readonly IntakeItem[], items: readonly IntakeItem[]): boolean {
  return (
    before.length === items.length &&
    before.every(({ ref, digest }, i) => ref.name === items[i]?.ref.name && digest.equals(items[i].digest))
  );
}
