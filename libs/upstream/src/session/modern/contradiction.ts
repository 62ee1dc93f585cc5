import type { GatewayError, Outcome } from '#libs/kernel';
import { JsonView } from '#libs/mcp';
import { mutualVersion, supportedOf } from './discovered.js';

/** HTTP statuses that servers of the legacy era have for requests outside of a session. */
const LEGACY_STATUSES: ReadonlySet<unknown> = new Set([400, 404, 405, 406]);
/** Errors with which servers of the legacy era meet `server/discover`. */
const UNKNOWN_METHOD: ReadonlySet<number> = new Set([-32601, -32600, -32602, -32000, -32001]);

/** Whether a failure may come from a server of the legacy era; `server/discover` tells. */
export function mayBeLegacy(error: GatewayError): boolean {
  return error.code === 'UPSTREAM_HTTP' && LEGACY_STATUSES.has(error.data['status']);
}

/**
 * Whether an answer to a modern request is one that only a server of the legacy era gives, so that what was thought of
 * this upstream is wrong: it was replaced by another.
 */
export function isLegacyAnswer(method: string, { code, error }: Extract<Outcome, { kind: 'error' }>): boolean {
  if (code === -32022) {
    const supported = supportedOf(error);
    return supported !== undefined && mutualVersion(supported) === undefined;
  }
  if (method === 'server/discover') return UNKNOWN_METHOD.has(code);
  if (code !== -32000 && code !== -32001 && code !== -32600) return false;
  const message = JsonView.of(error).get('message')?.string() ?? '';
  return /session|not initiali[sz]ed|protocol version/i.test(message);
}
