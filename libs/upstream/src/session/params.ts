import { editMembers, HOP_META_KEYS, type JsonView, splice } from '#libs/mcp';

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
