import { hash } from 'node:crypto';
import { configFrom } from '#libs/config';
import type { AuthSetup, Credentials } from '#libs/plugin';
import { setupOf } from '../setup.js';

export const GATEWAY_URL = 'https://gw.example';
export const RESOURCE = `${GATEWAY_URL}/mcp`;

/** What a request with this bearer token shows of itself. */
export function bearing(token: string, url = '/mcp'): Credentials {
  const bearer = { token, digest: hash('sha256', token, 'base64url') };
  return { headers: {}, rawHeaders: [], url, remoteAddress: '127.0.0.1', bearer };
}

/** The `oauth` section of a configuration as a provider sees it. */
export function setupFor(oauth: Readonly<Record<string, unknown>>): AuthSetup {
  return setupOf(configFrom({ server: { url: GATEWAY_URL }, oauth: { enabled: true, ...oauth } }).config);
}
