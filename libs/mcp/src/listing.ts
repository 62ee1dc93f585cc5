import type { Era, Freshness } from '#libs/kernel';

/** The four lists an upstream offers. */
export type ListKind = 'tools' | 'prompts' | 'resources' | 'templates';
export const LIST_KINDS: readonly ListKind[] = ['tools', 'prompts', 'resources', 'templates'];

/** Everything one upstream offers, as it said it: the raw JSON of every item of every page, in the upstream's order. */
export interface Listing {
  readonly server: string;
  readonly era: Era;
  /** Negotiated version of the upstream hop. */
  readonly version: string;
  /** The upstream's own capabilities object. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
  readonly items: Readonly<Record<ListKind, readonly Buffer[]>>;
  /** Lists that could not be fetched this time, with the reason; their items are the last good ones, or none. */
  readonly failed: Readonly<Partial<Record<ListKind, string>>>;
  /** Lists that were cut, and the place in the configuration of the limit that did it. */
  readonly cut?: Readonly<Partial<Record<ListKind, string>>>;
  /** The upstream is reached over HTTP, where parameters may be mirrored into headers. */
  readonly http?: boolean;
  /** The upstream speaks both eras: it is used in the client's own. */
  readonly dual?: boolean;
  /** How long the upstream lets its lists be kept, and for whom; absent for legacy upstreams. */
  readonly freshness?: Readonly<Partial<Record<ListKind, Freshness>>>;
  /** Absent when every client is offered the same. */
  readonly audiences?: Audiences;
}

/**
 * Some servers offer other things to clients that declared certain capabilities. A capability set is named by its
 * canonical key; the empty key means none.
 */
export interface Audiences {
  /** The sets that were asked for. A client with any other set is offered what the empty one is. */
  readonly probed: readonly string[];
  /** Items that not every set is offered: own name or URI, and the sets that are. */
  readonly only: Readonly<Record<ListKind, readonly (readonly [name: string, sets: readonly string[]])[]>>;
}

/** Method of each list, and the member of its result that holds the items. */
export const LIST_METHODS: Readonly<Record<ListKind, { method: string; member: string; changed: string }>> = {
  tools: { method: 'tools/list', member: 'tools', changed: 'notifications/tools/list_changed' },
  prompts: { method: 'prompts/list', member: 'prompts', changed: 'notifications/prompts/list_changed' },
  resources: { method: 'resources/list', member: 'resources', changed: 'notifications/resources/list_changed' },
  templates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    changed: 'notifications/resources/list_changed',
  },
};
