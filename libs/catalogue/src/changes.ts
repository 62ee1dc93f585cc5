import { LIST_KINDS, type ListKind } from '#libs/mcp';
import type { Catalogue } from './catalogue.js';
import type { ServerEntry } from './entry.js';

export interface Change {
  readonly kinds: readonly ListKind[];
  readonly servers: readonly string[];
}

/** Where two generations differ, or undefined when they do not. Entries and lists are compared by identity. */
export function changesBetween(before: Catalogue, after: Catalogue): Change | undefined {
  const kinds = new Set<ListKind>();
  const servers = new Set<string>();
  const names = new Set([...before.entries, ...after.entries].map(({ name }) => name));
  for (const name of names) {
    const old = before.server(name);
    const now = after.server(name);
    if (old === now) continue;
    servers.add(name);
    for (const kind of LIST_KINDS) if (differs(kind, old, now)) kinds.add(kind);
  }
  if (isReordered(before, after)) {
    for (const name of names) servers.add(name);
    for (const kind of LIST_KINDS) kinds.add(kind);
  }
  if (toolsetsOf(before) !== toolsetsOf(after)) {
    for (const kind of LIST_KINDS) kinds.add(kind);
  }
  return servers.size > 0 || kinds.size > 0
    ? { kinds: LIST_KINDS.filter((kind) => kinds.has(kind)), servers: [...servers] }
    : undefined;
}

function differs(kind: ListKind, old: ServerEntry | undefined, now: ServerEntry | undefined): boolean {
  const isEmpty = (old?.counts[kind] ?? 0) === 0 && (now?.counts[kind] ?? 0) === 0;
  return !isEmpty && old?.lists[kind] !== now?.lists[kind];
}

/** Whether servers that are in both generations come in another order. */
function isReordered(before: Catalogue, after: Catalogue): boolean {
  const old = before.entries.map(({ name }) => name).filter((name) => after.server(name));
  const now = after.entries.map(({ name }) => name).filter((name) => before.server(name));
  return old.some((name, position) => name !== now[position]);
}

function toolsetsOf({ settings }: Catalogue): string {
  return JSON.stringify(settings.toolsets.map(({ name, include, exclude }) => [name, include, exclude]));
}
