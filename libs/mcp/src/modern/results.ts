import type { Bytes } from '../bytes.js';
import { CLOSE_BRACE, skipWhitespace } from '../json/bytes.js';
import { editMembers, type MemberChanges } from '../json/edit-members.js';
import { mayContain } from '../json/needles.js';
import { type Edit, splice, splicePieces } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { HOP_META_KEYS } from '../meta.js';
import { MODERN_META } from './envelope.js';

const ENVELOPE_MEMBERS = ['resultType', 'ttlMs', 'cacheScope'];
const COMPLETE_MEMBERS = [...ENVELOPE_MEMBERS, 'requestState', 'inputRequests'];
const ENVELOPE_NEEDLES = [...ENVELOPE_MEMBERS, '_meta'].map((name) => `"${name}"`);
const OWN_NEEDLES = [...COMPLETE_MEMBERS, '_meta'].map((name) => `"${name}"`);

const LEGACY = { remove: ENVELOPE_MEMBERS };

/** Reading the members of what is no longer costs less than searching it for several names. */
const SHORT = 1_024;

/** What a modern result has besides its own members (M:base, M:cache). */
export interface ResultMembers {
  readonly resultType: 'complete' | 'input_required';
  /** JSON text of the answering server's Implementation. */
  readonly serverInfo?: string;
  /** Milliseconds; rounded down, never below 0. */
  readonly ttlMs?: number;
  readonly cacheScope?: 'public' | 'private';
  /**
   * The gateway wrote this result itself and knows that it has none of the members above, nor `_meta` or
   * `requestState`: they are appended without looking.
   */
  readonly fresh?: boolean;
}

/**
 * A result as a modern client gets it. What the upstream wrote in these places never gets through: `resultType` is
 * replaced, `ttlMs`, `cacheScope`, the envelope's `_meta` keys and, on complete results, `requestState` are replaced or
 * removed. Other `_meta` keys stay. Of a large result nothing is copied that does not change.
 */
export function withResultMembers(result: Buffer, members: ResultMembers): Bytes {
  return splicePieces(result, resultEdits(result, members));
}

/**
 * A modern upstream's result for a legacy client: without `resultType`, `ttlMs`, `cacheScope` and the envelope's `_meta`
 * keys, and without a `_meta` that is empty then. Returns the same buffer when it has none of them.
 */
export function asLegacyResult(result: Buffer): Buffer {
  if (result.length > SHORT && !mayContain(result, ...ENVELOPE_NEEDLES)) return result;
  return splice(result, edits(JsonView.of(result), LEGACY, undefined));
}

/** The same of a result whose members were read already. */
export function legacyResultOf(result: JsonView): Buffer {
  return splice(result.bytes, edits(result, LEGACY, undefined), result);
}

/**
 * Params of a notification, or a result, on a listen stream: names the stream it belongs to (M:subs). `idJson` is the
 * JSON text of the listen request's id. Comes after `withResultMembers`, which would take it out again.
 */
export function withSubscriptionId(object: Buffer | undefined, idJson: string | number): Buffer {
  const stamp = `{${JSON.stringify(MODERN_META.subscriptionId)}:${idJson}}`;
  if (object === undefined) return Buffer.from(`{"_meta":${stamp}}`);
  const view = JsonView.of(object);
  const meta = view.get('_meta');
  const stamped =
    meta?.type === 'object'
      ? editMembers(meta, { set: { [MODERN_META.subscriptionId]: String(idJson) } })
      : editMembers(view, { set: { _meta: stamp } });
  return splice(object, stamped);
}

function resultEdits(result: Buffer, members: ResultMembers): readonly Edit[] {
  const { fresh, resultType, serverInfo } = members;
  const add = membersText(members);
  const knownAbsent = fresh || (result.length > SHORT && !mayContain(result, ...OWN_NEEDLES));
  if (knownAbsent) return [appended(result, serverInfo === undefined ? add : `${add},"_meta":${metaOf(serverInfo)}`)];
  const remove = resultType === 'complete' ? COMPLETE_MEMBERS : ENVELOPE_MEMBERS;
  return edits(JsonView.of(result), { remove, add }, serverInfo);
}

/** Edits that make these changes, and leave in `_meta` what does not belong to one hop, with this server's identity. */
function edits(
  view: JsonView,
  { remove, add }: Required<Pick<MemberChanges, 'remove'>> & MemberChanges,
  serverInfo: string | undefined,
): Edit[] {
  const meta = view.get('_meta');
  const own = serverInfo === undefined ? undefined : metaOf(serverInfo);
  if (!meta) return editMembers(view, { remove, add: own === undefined ? add : `${add},"_meta":${own}` });
  if (!hasMore(meta)) {
    if (own === undefined) return editMembers(view, { remove: [...remove, '_meta'], add });
    return editMembers(view, { set: { _meta: own }, remove, add });
  }
  const set = serverInfo === undefined ? undefined : { [MODERN_META.serverInfo]: serverInfo };
  const inside = editMembers(meta, { set, remove: HOP_META_KEYS });
  if (inside.length === 0) return editMembers(view, { remove, add });
  return editMembers(view, { set: { _meta: splice(meta.bytes, inside, meta) }, remove, add });
}

/** Whether something is in a `_meta` besides what belongs to one hop. */
function hasMore(meta: JsonView): boolean {
  return meta.members().some(({ key }) => !(HOP_META_KEYS as readonly string[]).includes(key));
}

function membersText({ resultType, ttlMs, cacheScope }: ResultMembers): string {
  let text = `"resultType":"${resultType}"`;
  if (ttlMs !== undefined) text += `,"ttlMs":${Math.max(0, Math.floor(ttlMs)) || 0}`;
  if (cacheScope !== undefined) text += `,"cacheScope":"${cacheScope}"`;
  return text;
}

function metaOf(serverInfo: string): string {
  return `{"${MODERN_META.serverInfo}":${serverInfo}}`;
}

/** Members at the end of an object that has none of them. */
function appended(object: Buffer, members: string): Edit {
  const end = object.lastIndexOf(CLOSE_BRACE);
  const isEmpty = skipWhitespace(object, skipWhitespace(object, 0) + 1) === end;
  return { start: end, end, text: isEmpty ? members : `,${members}` };
}
