import { Draft, encodeDraft, encodeRequest } from '#libs/mcp';
import type { Connection } from '#libs/plugin';
import type { Forwarded } from '../credentials/forwarded-headers.js';
import { Outbound } from './outbound.js';
import { ownMeta } from './own-meta.js';
import type { SessionRequest } from './upstream-session.js';

const NO_PARAMS = Draft.of(Buffer.from('{}'));

/**
 * How a request of the revisions with `initialize` goes out: the gateway's own id and progress token, and whom it is for in headers
 * where a request has any, else in `_meta`.
 */
export function outboundOf(
  id: number,
  { caller, method, params }: SessionRequest,
  attribution: Connection['attribution'],
  forwarded: Forwarded | undefined,
): Outbound {
  const exchange = caller?.exchange;
  if (!exchange) {
    const message = params ? encodeDraft(id, method, params) : encodeRequest(id, method);
    return new Outbound(id, method, message, undefined, undefined);
  }
  const shared = attribution === 'connection';
  const along = forwarded?.(exchange.headers);
  let headers: Record<string, string> | undefined = along && { ...along };
  if (!shared) {
    headers ??= {};
    headers['x-request-id'] = exchange.id;
    if (exchange.traceparent !== undefined) headers['traceparent'] = exchange.traceparent;
  }
  const own = (params ?? NO_PARAMS).with({ meta: ownMeta(id, shared ? exchange.id : undefined) });
  return new Outbound(id, method, encodeDraft(id, method, own), headers, exchange);
}
