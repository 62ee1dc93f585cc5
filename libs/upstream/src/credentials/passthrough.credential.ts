import { createHash } from 'node:crypto';
import { type ClientHeaders, isObject, type Principal } from '#libs/kernel';
import { type CredentialOutcome, Extension, UpstreamCredential, type UpstreamTarget } from '#libs/plugin';

type Settings = Readonly<Record<string, unknown>>;
type Claims = Readonly<Record<string, unknown>>;

/** RFC 6750 2.1, as three parts of a JWT. */
const BEARER = /^Bearer +([A-Za-z0-9_-]{2,}\.([A-Za-z0-9_-]{2,})\.[A-Za-z0-9_-]*)$/i;
const MAX_LENGTH = 16 * 1024;

const NO_SERVICE: CredentialOutcome = {
  kind: 'missing',
  reason: 'with unsafe_passthrough the gateway has no credential of its own there',
};

/**
 * `auth: { type: unsafe_passthrough, i_understand: true, audience }` (UP-01): the client brings a token made for this
 * upstream in a header of its own. Nothing else is ever sent in its place, and never the token the gateway was called with.
 * The audience is read, not proven: proving the token is the upstream's business.
 */
@Extension(UpstreamCredential, { name: 'unsafe_passthrough', api: '1.1' })
export class PassthroughCredential extends UpstreamCredential {
  headers(
    target: UpstreamTarget,
    settings: Settings,
    principal: Principal | undefined,
    client?: ClientHeaders,
  ): CredentialOutcome {
    if (settings['i_understand'] !== true) return { kind: 'missing', reason: 'auth.i_understand is not true' };
    if (!principal) return NO_SERVICE;
    const name = headerFor(target.name);
    const value = client?.[name];
    if (typeof value !== 'string') return { kind: 'missing', reason: `this call brought no ${shown(name)} header` };
    const { claims, token } = read(value);
    if (!token || !claims) return { kind: 'missing', reason: `${shown(name)} must be "Bearer" and a JWT` };
    if (token === principal.token?.reveal()) {
      return { kind: 'missing', reason: `${shown(name)} must not be the token for the gateway itself` };
    }
    const wanted = settings['audience'];
    const audience = [claims['aud']].flat();
    if (!Array.isArray(wanted) || !audience.some((one) => typeof one === 'string' && wanted.includes(one))) {
      return { kind: 'missing', reason: `the token in ${shown(name)} is for none of the audiences in auth.audience` };
    }
    return { kind: 'ok', headers: { authorization: `Bearer ${token}` } };
  }

  override serves(): boolean {
    return false;
  }

  /** Whose token it is: two callers the gateway cannot tell apart may well be two for the upstream. */
  override identity(target: Pick<UpstreamTarget, 'name'>, _settings: Settings, client: ClientHeaders): string {
    const value = client[headerFor(target.name)];
    if (typeof value !== 'string') return '';
    const { claims } = read(value);
    const owner = typeof claims?.['sub'] === 'string' ? [claims['iss'], claims['sub']] : value;
    return createHash('sha256').update(JSON.stringify(owner)).digest('base64url').slice(0, 22);
  }
}

function headerFor(server: string): string {
  return `x-upstream-authorization-${server}`;
}

function shown(header: string): string {
  return header.replace('x-upstream-authorization', 'X-Upstream-Authorization');
}

function read(value: string): { readonly token?: string; readonly claims?: Claims } {
  const [, token, payload] = value.length <= MAX_LENGTH ? (BEARER.exec(value) ?? []) : [];
  if (token === undefined || payload === undefined) return {};
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return isObject(claims) ? { token, claims } : {};
  } catch {
    return {};
  }
}
