import { type Bytes, byteText } from '../bytes.js';
import { CLOSE_BRACE, skipWhitespace } from '../json/bytes.js';
import { mayContain } from '../json/needles.js';
import { editMembers, splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { HOP_META_KEYS } from '../meta.js';
import { MODERN_META } from './envelope.js';

const ENVELOPE_MEMBERS = ['"resultType"', '"ttlMs"', '"cacheScope"', '"_meta"'];
const OWN_MEMBERS = [...ENVELOPE_MEMBERS, '"requestState"', '"inputRequests"'];

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
 * removed. Other `_meta` keys stay. It is not copied when nothing of it changes.
 */
export function withResultMembers(result: Buffer, members: ResultMembers): Bytes {
  const { resultType, serverInfo, fresh } = members;
  const set: Record<string, string | Buffer> = { resultType: JSON.stringify(resultType) };
  if (members.ttlMs !== undefined) set['ttlMs'] = String(Math.max(0, Math.floor(members.ttlMs)) || 0);
  if (members.cacheScope !== undefined) set['cacheScope'] = JSON.stringify(members.cacheScope);
  const absent = fresh || !mayContain(result, ...OWN_MEMBERS);
  if (absent) return append(result, serverInfo === undefined ? set : { ...set, _meta: metaOf(serverInfo) });

  const view = JsonView.of(result);
  const remove = ['ttlMs', 'cacheScope'];
  if (resultType === 'complete') remove.push('requestState', 'inputRequests');
  const meta = envelopeReplaced(view.get('_meta'), serverInfo);
  if (meta === null) remove.push('_meta');
  else if (meta !== undefined) set['_meta'] = meta;
  return splice(result, editMembers(view, { set, remove }));
}

/**
 * A modern upstream's result for a legacy client: without `resultType`, `ttlMs`, `cacheScope` and the envelope's `_meta`
 * keys, and without a `_meta` that is empty then. Returns the same buffer when it has none of them.
 */
export function asLegacyResult(result: Buffer): Buffer {
  if (!mayContain(result, ...ENVELOPE_MEMBERS)) return result;
  const view = JsonView.of(result);
  const remove = ['resultType', 'ttlMs', 'cacheScope'];
  const set: Record<string, Buffer | string> = {};
  const meta = envelopeReplaced(view.get('_meta'), undefined);
  if (meta === null) remove.push('_meta');
  else if (meta !== undefined) set['_meta'] = meta;
  return splice(result, editMembers(view, { set, remove }));
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
  const edits =
    meta?.type === 'object'
      ? editMembers(meta, { set: { [MODERN_META.subscriptionId]: String(idJson) } })
      : editMembers(view, { set: { _meta: stamp } });
  return splice(object, edits);
}

function metaOf(serverInfo: string): string {
  return `{${JSON.stringify(MODERN_META.serverInfo)}:${serverInfo}}`;
}

/**
 * JSON of `_meta` without the keys that belong to one hop and with this server's identity. Undefined when it is as it
 * should be, null when nothing is left of it.
 */
function envelopeReplaced(
  meta: JsonView | undefined,
  serverInfo: string | undefined,
): Buffer | string | null | undefined {
  const keys = meta?.members().map(({ key }) => key) ?? [];
  const reserved = keys.filter((key) => (HOP_META_KEYS as readonly string[]).includes(key));
  const own = serverInfo === undefined ? null : metaOf(serverInfo);
  if (!meta) return own ?? undefined;
  if (keys.length === reserved.length) return own;
  if (reserved.length === 0 && serverInfo === undefined) return undefined;
  const set: Record<string, string> = serverInfo === undefined ? {} : { [MODERN_META.serverInfo]: serverInfo };
  return splice(meta.bytes, editMembers(meta, { set, remove: reserved }), meta);
}

/** Appends members to an object that has none of them. */
function append(object: Buffer, members: Readonly<Record<string, string | Buffer>>): Bytes {
  const added = Object.entries(members).map(([key, json]) => `${JSON.stringify(key)}:${json}`);
  const end = object.lastIndexOf(CLOSE_BRACE);
  const isEmpty = skipWhitespace(object, skipWhitespace(object, 0) + 1) === end;
  return [object.subarray(0, end), byteText(`${isEmpty ? '' : ','}${added.join(',')}}`)];
}
