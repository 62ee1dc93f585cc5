import type { EgressClient, JsonRequest } from '#libs/egress';
import { isObject } from '#libs/kernel';
import { bearerChallenge } from './challenge.js';
import { TokenError } from './token-cache.js';
import { asTokenError } from './token-endpoint.js';

const MAX_DOCUMENT = 64 * 1024;
/** An issuer's usual form, with nothing in it that might be secret. */
const ISSUER = /^https?:\/\/[\w.:[\]-]{1,255}(?:\/[\w.~/-]{0,255})?$/;
/** RFC 6749 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
const MAX_SCOPES = 64;

/** Where the token for an upstream is to be had, and for what to ask. */
export interface Discovered {
  readonly tokenUrl: string;
  /** `token_endpoint_auth_methods_supported`. */
  readonly authMethods: readonly string[] | undefined;
  /** The upstream's own name for itself, exactly as published (RFC 8707). */
  readonly resource: string;
  /** What the upstream asked for, else all it knows of; undefined when it names none. */
  readonly scopes: readonly string[] | undefined;
}

export interface DiscoveryRequest {
  /** The upstream's URL. */
  readonly url: string;
  /** The authorization server the configuration names: the only one the gateway's client secret is for. */
  readonly issuer: string;
  /** `WWW-Authenticate` headers of the upstream's 401. */
  readonly challenges: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * From an upstream's 401 to its token endpoint: resource metadata (RFC 9728), then the server's own (RFC 8414, OpenID
 * Connect Discovery). What others name is public https or the origin that named it (UP-90); a document that does not fit
 * is refused, and nothing else is tried in its place.
 * @throws TokenError
 */
export async function discoverTokenEndpoint(egress: EgressClient, request: DiscoveryRequest): Promise<Discovered> {
  const challenge = bearerChallenge(request.challenges);
  const resource = await resourceMetadata(egress, request, challenge?.get('resource_metadata'));
  const server = await serverMetadata(egress, request.issuer);
  return {
    tokenUrl: server.tokenUrl,
    authMethods: server.authMethods,
    resource: resource.id,
    scopes: scopesOf(challenge?.get('scope')?.split(' ')) ?? scopesOf(resource.scopes),
  };
}

async function resourceMetadata(egress: EgressClient, { issuer, url }: DiscoveryRequest, named: string | undefined) {
  const { origin, pathname } = new URL(url);
  const wellKnown = `${origin}/.well-known/oauth-protected-resource`;
  const path = pathname.replace(/\/$/, '');
  const places = named !== undefined ? [named] : path === '' ? [wellKnown] : [wellKnown + path, wellKnown];
  const { document, place } = await first(egress, places, origin, 'no protected resource metadata (RFC 9728)');
  const { resource: id, authorization_servers: servers, scopes_supported: scopes } = document;
  if (typeof id !== 'string' || !names(id, url)) {
    throw new TokenError('refused', `${place} is about another resource than ${origin}${pathname}`);
  }
  const listed = textsOf(servers) ?? [];
  if (!listed.includes(issuer)) {
    // To the letter: it may well be what belongs into the configuration.
    const others = listed.slice(0, 3).map((other) => (ISSUER.test(other) ? other : 'something else'));
    const text = `${place} names ${others.join(', ') || 'no authorization server'}, and not the auth.issuer of the configuration`;
    throw new TokenError('refused', text);
  }
  return { id, scopes: textsOf(scopes) };
}

async function serverMetadata(egress: EgressClient, issuer: string) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    ...(path === '' ? [] : [`${origin}${path}/.well-known/openid-configuration`]),
  ];
  const { document, place } = await first(egress, places, origin, 'no authorization server metadata (RFC 8414)');
  const { issuer: own, token_endpoint: tokenUrl, token_endpoint_auth_methods_supported: methods } = document;
  if (own !== issuer) throw new TokenError('refused', `${place} is that of another issuer than auth.issuer`);
  if (typeof tokenUrl !== 'string' || !URL.canParse(tokenUrl)) {
    throw new TokenError('refused', `${place} names no token endpoint`);
  }
  return { tokenUrl, authMethods: textsOf(methods) };
}

/** The first of several places that has a document. Only "not here" leads to the next. */
async function first(
  egress: EgressClient,
  places: readonly string[],
  origin: string,
  none: string,
): Promise<{ readonly document: Json; readonly place: string }> {
  for (const place of places) {
    const request: JsonRequest = { url: place, trust: 'discovered', origin, maxBytes: MAX_DOCUMENT };
    const { body, status } = await egress.json(request).catch((thrown: unknown) => {
      throw asTokenError(thrown);
    });
    const shown = new URL(place).origin + new URL(place).pathname;
    if (status >= 500 || status === 429) throw new TokenError('unavailable', `${shown} answered HTTP ${status}`);
    if (status === 200 && isObject(body)) return { document: body, place: shown };
  }
  throw new TokenError('refused', `${origin} has ${none}`);
}

/** Whether a resource's identifier is the URL itself or a path above it on the same origin (RS-02). */
function names(id: string, url: string): boolean {
  if (!URL.canParse(id)) return false;
  const [resource, upstream] = [new URL(id), new URL(url)];
  if (resource.origin !== upstream.origin || resource.hash !== '') return false;
  if (resource.search !== '' && resource.search !== upstream.search) return false;
  const above = `${resource.pathname.replace(/\/$/, '')}/`;
  return `${upstream.pathname.replace(/\/$/, '')}/`.startsWith(above);
}

function scopesOf(scopes: readonly string[] | undefined): readonly string[] | undefined {
  const good = (scopes ?? []).filter((scope) => SCOPE.test(scope)).slice(0, MAX_SCOPES);
  return good.length > 0 ? good : undefined;
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : undefined;
}
