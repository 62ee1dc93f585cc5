import { type EgressClient, EgressError } from '#libs/egress';
import { messageOf } from '#libs/kernel';
import { shown } from '../shown.js';

/** Where an issuer's metadata lies: appended to its path, or inserted between host and path (RFC 8414, 3.1). */
export type DiscoveryForm = 'oidc' | 'oauth' | 'oauth-appended';

const WELL_KNOWN = { oidc: 'openid-configuration', oauth: 'oauth-authorization-server' } as const;

/** The document's URL. A slash at the end of the issuer does not count. */
export function metadataUrl(issuer: string, form: DiscoveryForm): string {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  switch (form) {
    case 'oidc':
      return `${origin}${path}/.well-known/${WELL_KNOWN.oidc}`;
    case 'oauth':
      return `${origin}/.well-known/${WELL_KNOWN.oauth}${path}`;
    case 'oauth-appended':
      return `${origin}${path}/.well-known/${WELL_KNOWN.oauth}`;
  }
}

/** Network failures that another path on the same host would meet as well. */
const HOPELESS: ReadonlySet<string> = new Set(['denied', 'timeout', 'unreachable']);

/**
 * Asks an issuer where its keys are. A document of another issuer is no answer, however it is spelled (RS-30).
 * @returns its `jwks_uri`
 * @throws Error that says what each place answered
 */
export async function discoverKeys(
  egress: Pick<EgressClient, 'json'>,
  issuer: string,
  forms: readonly DiscoveryForm[],
): Promise<string> {
  const failures: string[] = [];
  for (const form of forms) {
    const url = metadataUrl(issuer, form);
    try {
      const { status, body } = await egress.json({ url, trust: 'operator' });
      const found = status === 200 ? keysOf(body, issuer) : { flaw: `HTTP ${status}` };
      if ('uri' in found) return found.uri;
      failures.push(`${url}: ${found.flaw}`);
    } catch (thrown) {
      if (thrown instanceof EgressError && HOPELESS.has(thrown.kind)) throw thrown;
      failures.push(`${url}: ${messageOf(thrown)}`);
    }
  }
  throw new Error(`no usable metadata: ${failures.join('; ')}`);
}

function keysOf(body: unknown, issuer: string): { uri: string } | { flaw: string } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { flaw: 'no JSON object' };
  const { issuer: said, jwks_uri: uri } = body as Record<string, unknown>;
  if (said !== issuer) {
    return { flaw: `its issuer is ${shown(said)}, not "${issuer}" (compared to the letter, slashes included)` };
  }
  return typeof uri === 'string' && URL.canParse(uri) ? { uri } : { flaw: 'it has no jwks_uri' };
}
