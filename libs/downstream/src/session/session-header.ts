import type { IncomingMessage } from 'node:http';
import { GatewayError } from '#libs/kernel';
import { MAX_TOKEN } from './seal.js';

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/**
 * The request's session id, undefined when it has none. Several headers arrive joined by `, ` and fail on the space.
 * @throws GatewayError INVALID_REQUEST for an id no server can have issued
 */
export function sessionHeader(request: IncomingMessage): string | undefined {
  const value = request.headers['mcp-session-id'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= MAX_TOKEN && VISIBLE_ASCII.test(value)) return value;
  throw new GatewayError(
    'INVALID_REQUEST',
    `Mcp-Session-Id must be one header of 1 to ${MAX_TOKEN} visible ASCII characters`,
  );
}
