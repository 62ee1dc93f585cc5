import type { ViewRequest } from '#libs/catalogue';
import { type Exchange, GatewayError } from '#libs/kernel';
import { Draft, type DraftChanges, HOP_META_KEYS, type JsonView } from '#libs/mcp';
import { capabilitiesOf } from '#libs/upstream';

const NONE: readonly string[] = [];
const HOP_META = { remove: HOP_META_KEYS };

/** Members of params that belong to a modern client's retry and are handed over apart. */
export const RETRY_MEMBERS = ['inputResponses', 'requestState'] as const;

/** A member of params that must be a string. @throws GatewayError INVALID_PARAMS */
export function requiredString(params: JsonView | undefined, key: string, method: string): string {
  const value = params?.get(key)?.string();
  if (value === undefined) {
    throw new GatewayError('INVALID_PARAMS', `${method} needs params.${key}, a string`);
  }
  return value;
}

/** JSON of the client's progress token as it was spelled, so that its type comes back too. */
export function progressTokenOf(params: JsonView | undefined): Buffer | undefined {
  const token = params?.get('_meta')?.get('progressToken');
  return token && (token.type === 'string' || token.type === 'number') ? token.raw() : undefined;
}

/**
 * Params for the upstream hop: hop-by-hop `_meta` keys gone, `set` members replaced, `remove` members dropped; all other
 * bytes as they came.
 */
export function forUpstream(params: JsonView, { set, remove, inside }: Omit<DraftChanges, 'meta'> = {}): Draft {
  const dropped = remove?.some((key) => params.has(key)) ? remove : NONE;
  return new Draft(params, {
    set,
    remove: dropped.length > 0 ? dropped : undefined,
    meta: params.has('_meta') ? HOP_META : undefined,
    inside,
  });
}

/** The view that an exchange, or a session outside of any exchange, asks for. */
export function viewRequest(caller: Pick<Exchange, 'principal' | 'endpoint' | 'spelling' | 'client'>): ViewRequest {
  const { principal, endpoint, spelling, client } = caller;
  return { principal, endpoint, spelling, capabilities: capabilitiesOf(client).key, era: client.era };
}
