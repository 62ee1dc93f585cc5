import { GatewayError } from '#libs/kernel';
import type { ListKind } from '#libs/mcp';
import { endpointLabel, type Handler } from './context.js';

/** Answers a list from the catalogue; upstreams are never asked while a client waits. */
export function listHandler(kind: ListKind): Handler {
  return (desk, { exchange, message, view }) => {
    const cursor = message.params?.get('cursor');
    if (cursor !== undefined && cursor.string() === undefined) {
      throw new GatewayError(
        'INVALID_CURSOR',
        `The cursor of ${message.method} must be a string from an earlier answer`,
      );
    }
    if (kind === 'tools') {
      desk.metrics.listed(endpointLabel(exchange.endpoint));
    }
    const result = view.list(kind, cursor?.string());
    if (exchange.session) desk.changes.noteListed(exchange.session, kind, view);
    return { kind: 'result', result, freshness: view.freshness(kind), own: true };
  };
}
