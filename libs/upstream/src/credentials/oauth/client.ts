import { createHash } from 'node:crypto';
import { reveal } from '../header-rules.js';
import type { Discovered } from './discovery.js';
import type { ClientAuth, TokenClient } from './token-endpoint.js';

type Settings = Readonly<Record<string, unknown>>;

/** The gateway as a client of the authorization server that an `auth` block is about. */
export function clientOf(settings: Settings, found?: Discovered): TokenClient {
  const secret = reveal(settings['client_secret']);
  const common = { id: String(settings['client_id']), secret, auth: authOf(settings, secret, found?.authMethods) };
  if (!found) return { ...common, url: String(settings['token_url']), trust: 'operator' };
  return { ...common, url: found.tokenUrl, trust: 'discovered', origin: new URL(String(settings['issuer'])).origin };
}

const keys = new WeakMap<Settings, string>();

/** Equal for equal clients of one server; another secret is another client. Tells no secret. */
export function clientKey(settings: Settings): string {
  let key = keys.get(settings);
  if (key === undefined) {
    const secret = createHash('sha256')
      .update(reveal(settings['client_secret']) ?? '')
      .digest('base64url');
    const { client_auth, client_id, issuer, token_url } = settings;
    key = JSON.stringify([token_url ?? null, issuer ?? null, client_id, client_auth ?? null, secret]);
    keys.set(settings, key);
  }
  return key;
}

/** As configured, else as the server says, else the way every server has to know (RFC 6749 2.3.1). */
function authOf(settings: Settings, secret: string | undefined, supported: readonly string[] | undefined): ClientAuth {
  const configured = settings['client_auth'];
  if (configured !== 'auto' && configured !== undefined) return configured as ClientAuth;
  if (secret === undefined) return 'none';
  if (!supported || supported.includes('client_secret_basic')) return 'basic';
  if (supported.includes('client_secret_post')) return 'post';
  return supported.includes('none') ? 'none' : 'basic';
}
