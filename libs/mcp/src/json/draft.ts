import type { Buffers } from '../bytes.js';
import { editMembers, type MemberChanges } from './edit-members.js';
import { type Edit, splice, spliceBetween } from './splice.js';
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
    const { add, meta, inside } = this.#changes;
    // What was added may be what is changed now.
    if (add !== undefined || meta?.add !== undefined) return Draft.of(this.bytes).with(changes);
    const own = both(this.#changes, changes);
    const edits = inside && changes.inside ? [...inside, ...changes.inside] : (inside ?? changes.inside);
    return new Draft(this.#source, {
      set: own.set,
      remove: own.remove,
      add: own.add,
      meta: meta && changes.meta ? both(meta, changes.meta) : (meta ?? changes.meta),
      inside: edits,
    });
  }

  /** A member that is a string, as it will be. */
  string(key: string): string | undefined {
    const { set, remove } = this.#changes;
    const own = set?.[key];
    if (own !== undefined) return stringOf(own);
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
    const { meta, inside } = this.#changes;
    const view = meta && this.#source.get('_meta');
    const inPlace = view?.type === 'object';
    const own = meta && !inPlace ? withMeta(this.#changes, meta, view !== undefined) : this.#changes;
    const edits = own.set || own.remove || own.add !== undefined ? editMembers(this.#source, own) : [];
    if (inPlace) addTo(edits, editMembers(view, meta as MemberChanges));
    if (inside) addTo(edits, inside);
    return edits;
  }
}

const NOTHING: DraftChanges = {};

/** Then-changes win over first ones. */
function both(first: MemberChanges, then: MemberChanges): MemberChanges {
  if (!first.set && !first.remove) return then;
  if (!then.set && !then.remove && then.add === undefined) return first;
  return { set: setOf(first, then), remove: allOf(first.remove, then.remove), add: then.add };
}

function setOf(first: MemberChanges, { set, remove }: MemberChanges): MemberChanges['set'] {
  if (!first.set) return set;
  if (!set && !remove) return first.set;
  const kept: Record<string, string | Buffer> = { ...first.set };
  for (const key of remove ?? []) delete kept[key];
  return { ...kept, ...set };
}

function allOf(first: MemberChanges['remove'], then: MemberChanges['remove']): MemberChanges['remove'] {
  return first && then && first !== then ? [...first, ...then] : (first ?? then);
}

/** The same with a `_meta` that is not there yet, or is no object. */
function withMeta({ set, remove, add }: MemberChanges, meta: MemberChanges, replaces: boolean): MemberChanges {
  if (!meta.set && meta.add === undefined) return { set, remove, add };
  const text = objectText(meta);
  if (replaces) return { set: { ...set, _meta: text }, remove, add };
  return { set, remove, add: add === undefined ? `"_meta":${text}` : `${add},"_meta":${text}` };
}

function objectText({ set = {}, add }: MemberChanges): string {
  let text = '';
  for (const key in set) text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${set[key]}`;
  if (add !== undefined) text += text === '' ? `{${add}` : `,${add}`;
  return text === '' ? '{}' : `${text}}`;
}

function stringOf(json: string | Buffer): string | undefined {
  const value: unknown = JSON.parse(json.toString());
  return typeof value === 'string' ? value : undefined;
}

function addTo(edits: Edit[], more: readonly Edit[]): void {
  for (const edit of more) edits.push(edit);
}
