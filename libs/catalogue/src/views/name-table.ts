import type { Spelling } from '#libs/kernel';
import { exposedName, exposeUri, type ListKind } from '#libs/mcp';
import type { Quarantined } from '../contract.js';
import { printable } from '../ingest/text.js';
import type { ScopeItem } from './scope-item.js';

/** What a client of this spelling sees for an item. */
export function exposedAs(
  kind: ListKind,
  { entry, item }: Pick<ScopeItem, 'entry' | 'item'>,
  bare: boolean,
  spelling: Spelling,
) {
  const { shownAs, ref } = item;
  if (kind === 'tools' || kind === 'prompts') {
    return exposedName(bare ? null : entry.prefix, shownAs ?? ref.name, spelling);
  }
  return bare ? ref.name : exposeUri(entry.prefix, ref.name);
}

/**
 * Exposed names of one kind behind one endpoint in one spelling. Names are looked up, never taken apart. Should two
 * things come out under one name, the first keeps it and the other is left out for this spelling: which one it is does
 * not depend on who asks.
 */
export class NameTable {
  readonly #index = new Map<string, number>();
  readonly #lost = new Set<number>();
  readonly #collisions: Quarantined[] = [];

  constructor(kind: ListKind, items: readonly ScopeItem[], bare: boolean, spelling: Spelling) {
    const shortened: [name: string, index: number][] = [];
    for (const [index, scoped] of items.entries()) {
      const name = exposedAs(kind, scoped, bare, spelling);
      // An upstream's own names come first where they are spelled as they are, so that no short form takes one over.
      if (bare && name !== scoped.item.ref.name) shortened.push([name, index]);
      else this.#add(kind, items, name, index);
    }
    for (const [name, index] of shortened) this.#add(kind, items, name, index);
  }

  /** Index of the item with this exposed name. */
  find(name: string): number | undefined {
    return this.#index.get(name);
  }

  /** Whether another item took this one's name. */
  lost(index: number): boolean {
    return this.#lost.has(index);
  }

  get collisions(): readonly Quarantined[] {
    return this.#collisions;
  }

  #add(kind: ListKind, items: readonly ScopeItem[], name: string, index: number): void {
    const first = this.#index.get(name);
    if (first === undefined) {
      this.#index.set(name, index);
      return;
    }
    const { server, name: own } = items[index]!.item.ref;
    const holder = items[first]!.item.ref;
    this.#lost.add(index);
    this.#collisions.push({
      server,
      kind,
      name: printable(own),
      reason: `its name for clients, ${printable(name)}, is taken by ${printable(holder.name)} of ${holder.server}`,
    });
  }
}
