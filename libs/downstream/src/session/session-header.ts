import type { IncomingMessage } from 'node:http';
import { GatewayError } from '#libs/kernel';
import { MAX_TOKEN } from './seal.js';

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** The request's session id, as it came; undefined when it has none. Several headers arrive joined by `, `. */
export function sessionHeader(request: IncomingMessage): string | undefined {
  const value = request.headers['mcp-session-id'];
  return typeof value === 'string' ? value : value?.join(', ');
}

/**
 * For an id that nobody knows; several fail on the space.
 * @throws GatewayError INVALID_REQUEST for one that no server can have issued
 */
export function checkSessionId(value: string): void {
  if (value.length <= MAX_TOKEN && VISIBLE_ASCII.test(value)) return;
  throw new GatewayError(
    'INVALID_REQUEST',
    `Mcp-Session-Id must be one header of 1 to ${MAX_TOKEN} visible ASCII characters`,
  );
}
