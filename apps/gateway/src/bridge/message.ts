import { isObject } from '#libs/kernel';
import { MODERN_META } from '#libs/mcp';

export type Id = string | number;

/** What the bridge looks at in a message; the message itself passes as the bytes that came. */
export interface Message {
  readonly bytes: Buffer;
  /** Requests alone have both an id and a method. */
  readonly id?: Id;
  readonly method?: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The revision a modern message names; undefined for a legacy one. */
  readonly modern?: string;
  /** Ids of the requests in a batch of the revision 2025-03-26. */
  readonly batch?: readonly Id[];
}

/** Reads one line of a client; undefined when it is no JSON-RPC message. */
export function readMessage(bytes: Buffer): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) {
    const requests = value.filter((one) => isObject(one) && typeof one['method'] === 'string').map(({ id }) => id);
    return { bytes, params: {}, batch: requests.filter(isId) };
  }
  if (!isObject(value)) return undefined;
  const { id, method } = value;
  const params = isObject(value['params']) ? value['params'] : {};
  const meta = params['_meta'];
  const version = isObject(meta) ? meta[MODERN_META.protocolVersion] : undefined;
  return {
    bytes,
    params,
    ...(isId(id) && { id }),
    ...(typeof method === 'string' && { method }),
    ...(typeof version === 'string' && { modern: version }),
  };
}

export function isId(id: unknown): id is Id {
  return typeof id === 'string' || typeof id === 'number';
}
