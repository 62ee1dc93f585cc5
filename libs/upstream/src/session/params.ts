import { editMembers, HOP_META_KEYS, JsonView, splice } from '#libs/mcp';

/** Sets members of `params._meta` by splicing; every other byte stays. Values are JSON text. */
export function withMeta(params: Buffer | undefined, members: Readonly<Record<string, string>>): Buffer {
  if (!params) return Buffer.from(`{"_meta":${objectText(members)}}`);
  const view = JsonView.of(params);
  const meta = view.get('_meta');
  const edits =
    meta?.type === 'object'
      ? editMembers(meta, { set: members })
      : editMembers(view, { set: { _meta: objectText(members) } });
  return splice(params, edits);
}

function objectText(members: Readonly<Record<string, string>>): string {
  const parts: string[] = [];
  for (const key in members) parts.push(`${JSON.stringify(key)}:${members[key]}`);
  return `{${parts.join(',')}}`;
}

/** The bytes of an object without some of its members. */
export function withoutMembers(view: JsonView, keys: readonly string[]): Buffer {
  return splice(view.bytes, editMembers(view, { remove: keys }), view);
}

/** Params of an upstream's request without what belongs to this hop alone (progress token, envelope keys). */
export function withoutHopMeta(params: JsonView): Buffer {
  const meta = params.get('_meta');
  if (meta?.type !== 'object') return params.raw();
  return splice(params.bytes, editMembers(meta, { remove: HOP_META_KEYS }), params);
}
