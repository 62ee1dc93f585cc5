import type { EgressClient } from '#libs/egress';
import { isObject } from '#libs/kernel';
import type { IntrospectionSetup } from '#libs/plugin';
import type { Claims } from '../tokens/claims.js';

/**
 * What an endpoint says of a token. `inactive`: it is not good. `failed`: nothing can be known. `rejected`: it does not know
 * the gateway.
 */
export type Introspected =
  | { readonly kind: 'active'; readonly claims: Claims }
  | { readonly kind: 'inactive'; readonly reason: string }
  | { readonly kind: 'failed' | 'rejected'; readonly reason: string };

/** Asks whoever issued an opaque token what it is. */
export interface Introspector {
  ask(token: string): Promise<Introspected>;
}

const LIMITS = { maxBytes: 64 * 1024, timeout: 5_000 } as const;

/** RFC 7662, the gateway being known there by client id and secret (RS-41). */
export class Rfc7662Introspector implements Introspector {
  readonly #authorization: string;

  constructor(
    private readonly egress: Pick<EgressClient, 'json'>,
    private readonly setup: IntrospectionSetup,
  ) {
    const pair = `${encodeURIComponent(setup.clientId)}:${encodeURIComponent(setup.clientSecret.reveal())}`;
    this.#authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }

  /** @throws EgressError */
  async ask(token: string): Promise<Introspected> {
    const { status, body } = await this.egress.json({
      ...LIMITS,
      url: this.setup.url,
      trust: 'operator',
      headers: { authorization: this.#authorization },
      form: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    });
    if (status === 401 || status === 403) return { kind: 'rejected', reason: `HTTP ${status}` };
    // What it calls a bad request is a token that is none of its kind.
    if (status === 400)
      return { kind: 'inactive', reason: 'the introspection endpoint takes it for no token (HTTP 400)' };
    if (status !== 200) return { kind: 'failed', reason: `HTTP ${status}` };
    if (!isObject(body)) return { kind: 'failed', reason: 'the answer is no JSON object' };
    const claims: Claims = body;
    // Exactly true: what is merely truthy was not said by an endpoint that knows its trade (RS-42).
    if (claims['active'] !== true)
      return { kind: 'inactive', reason: 'the introspection endpoint says it is not active' };
    return { kind: 'active', claims };
  }
}

/**
 * Google's tokeninfo, its only way to judge an access token. It takes the token in the query, so this URL appears nowhere;
 * numbers come as text, and there is no `iss`: whatever it answers is Google's.
 */
export class TokeninfoIntrospector implements Introspector {
  constructor(
    private readonly egress: Pick<EgressClient, 'json'>,
    private readonly url: string,
    private readonly issuer: string,
  ) {}

  /** @throws EgressError */
  async ask(token: string): Promise<Introspected> {
    const url = `${this.url}?${new URLSearchParams({ access_token: token })}`;
    const { status, body } = await this.egress.json({ ...LIMITS, url, trust: 'operator' });
    if (status === 400) return { kind: 'inactive', reason: 'tokeninfo says it is not valid' };
    if (status !== 200 || typeof body !== 'object' || body === null) {
      return { kind: 'failed', reason: `tokeninfo answered HTTP ${status}` };
    }
    const claims: Record<string, unknown> = { ...body, iss: this.issuer };
    if (typeof claims['exp'] === 'string' && /^\d{1,15}$/.test(claims['exp'])) claims['exp'] = Number(claims['exp']);
    return { kind: 'active', claims };
  }
}
