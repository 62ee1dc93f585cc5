import type { Buffers } from '../bytes.js';
import { type Edit, editMembers, type MemberChanges, splice, spliceBetween } from './splice.js';
import { JsonView } from './view.js';

/** What is to be changed in an object. */
export interface DraftChanges extends MemberChanges {
  /** The same for its `_meta`, which is made where there is none. */
  readonly meta?: MemberChanges | undefined;
  /** Edits inside members that nothing else changes. */
  readonly inside?: readonly Edit[] | undefined;
}

/**
 * An object on its way: the bytes it came as, and what is to be changed in them. Whoever has something to change adds it;
 * the bytes are put together once, when they are written, and all that nobody changes stays as it was spelled.
 */
export class Draft {
  readonly #source: JsonView;
  readonly #changes: DraftChanges;
  #bytes: Buffer | undefined;

  constructor(source: JsonView, changes: DraftChanges) {
    this.#source = source;
    this.#changes = changes;
  }

  static of(bytes: Buffer): Draft {
    return new Draft(JsonView.of(bytes), NOTHING);
  }

  /** With further changes, which win over those made before. */
  with(changes: DraftChanges): Draft {
    const { set, remove, meta, inside } = this.#changes;
    const own = both({ set, remove }, changes);
    const edits = inside && changes.inside ? [...inside, ...changes.inside] : (inside ?? changes.inside);
    return new Draft(this.#source, { ...own, meta: both(meta, changes.meta), inside: edits });
  }

  /** A member that is a string, as it will be. */
  string(key: string): string | undefined {
    const { set, remove } = this.#changes;
    const own = set?.[key];
    if (own !== undefined) return JsonView.of(typeof own === 'string' ? Buffer.from(own) : own).string();
    return remove?.includes(key) ? undefined : this.#source.get(key)?.string();
  }

  /** As it will be written; shared memory where nothing is changed. */
  get bytes(): Buffer {
    this.#bytes ??= splice(this.#source.bytes, this.#edits(), this.#source);
    return this.#bytes;
  }

  /** As it will be written, between two texts. A large one is not copied: what stays of it become pieces. */
  between(before: string, behind: string): Buffers {
    return spliceBetween(before, this.#source.bytes, this.#edits(), this.#source, behind);
  }

  #edits(): readonly Edit[] {
    const { set, remove, meta, inside } = this.#changes;
    const view = meta && this.#source.get('_meta');
    const inPlace = view?.type === 'object';
    const own = meta?.set && !inPlace ? { ...set, _meta: objectText(meta.set) } : set;
    const edits = own || remove ? editMembers(this.#source, { set: own, remove }) : [];
    if (inPlace) addTo(edits, editMembers(view, meta as MemberChanges));
    if (inside) addTo(edits, inside);
    return edits;
  }
}

const NOTHING: DraftChanges = {};

function both(first: MemberChanges | undefined, then: MemberChanges | undefined): MemberChanges | undefined {
  if (!first?.set && !first?.remove) return then;
  if (!then?.set && !then?.remove) return first;
  const set: Record<string, string | Buffer> = { ...first.set };
  for (const key of then.remove ?? []) delete set[key];
  return { set: { ...set, ...then.set }, remove: [...(first.remove ?? []), ...(then.remove ?? [])] };
}

function addTo(edits: Edit[], more: readonly Edit[]): void {
  for (const edit of more) edits.push(edit);
}

function objectText(members: Readonly<Record<string, string | Buffer>>): string {
  let text = '';
  for (const key in members) text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${members[key]}`;
  return text === '' ? '{}' : `${text}}`;
}
