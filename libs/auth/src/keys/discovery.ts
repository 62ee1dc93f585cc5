import { type EgressClient, EgressError } from '#libs/egress';
import { isObject, messageOf } from '#libs/kernel';
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

/** What one place said of an issuer: where its keys are, or which check its document did not pass, and why. */
export type Metadata =
  | { readonly uri: string }
  | { readonly failed: 'metadata' | 'issuer' | 'jwks_uri'; readonly flaw: string };

/** Reads the document of one place. @throws EgressError when the place cannot be reached */
export async function askMetadata(
  egress: Pick<EgressClient, 'json'>,
  issuer: string,
  form: DiscoveryForm,
): Promise<Metadata> {
  const { status, body } = await egress.json({ url: metadataUrl(issuer, form), trust: 'operator' });
  return status === 200 ? keysOf(body, issuer) : { failed: 'metadata', flaw: `HTTP ${status}` };
}

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
      const found = await askMetadata(egress, issuer, form);
      if ('uri' in found) return found.uri;
      failures.push(`${url}: ${found.flaw}`);
    } catch (thrown) {
      if (thrown instanceof EgressError && HOPELESS.has(thrown.kind)) throw thrown;
      failures.push(`${url}: ${messageOf(thrown)}`);
    }
  }
  throw new Error(`no usable metadata: ${failures.join('; ')}`);
}

function keysOf(body: unknown, issuer: string): Metadata {
  if (!isObject(body)) return { failed: 'metadata', flaw: 'no JSON object' };
  const { issuer: said, jwks_uri: uri } = body;
  if (said !== issuer) {
    const flaw = `its issuer is ${shown(said)}, not "${issuer}" (compared to the letter, slashes included)`;
    return { failed: 'issuer', flaw };
  }
  return typeof uri === 'string' && URL.canParse(uri) ? { uri } : { failed: 'jwks_uri', flaw: 'it has no jwks_uri' };
}
