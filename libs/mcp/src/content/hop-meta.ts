import { editMembers } from '../json/edit-members.js';
import { mayContain } from '../json/needles.js';
import { splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { HOP_META_KEYS } from '../meta.js';

/**
 * An object's JSON (params, a result, a list item) without the members of its `_meta` that belong to one hop (M:base).
 * Returns the same buffer when there are none.
 */
export function withoutHopMeta(object: Buffer): Buffer {
  if (!mayContain(object, '"_meta"')) return object;
  const meta = JsonView.of(object).get('_meta');
  const carried = HOP_META_KEYS.filter((key) => meta?.get(key) !== undefined);
  return meta && carried.length > 0 ? splice(object, editMembers(meta, { remove: carried })) : object;
}
