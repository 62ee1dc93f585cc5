import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyConfig } from '#libs/config';
import { type Principal, principal } from '#libs/kernel';
import type { Authenticator, AuthOutcome, Credentials } from '#libs/plugin';

/** Issuer of whoever comes with an API key: no identity provider can have this name, which is no URL of one. */
export const API_KEY_ISSUER = 'urn:mcp-gateway:api-key';

const NOT_ONE: AuthOutcome = { kind: 'none' };

interface Known {
  readonly digest: Buffer;
  readonly outcome: { readonly kind: 'ok'; readonly principal: Principal };
}

/**
 * Bearer keys from the configuration. Keys are found by their SHA-256 digest, which nobody who guesses can steer, and the
 * digests are then compared in constant time.
 */
export class ApiKeys implements Authenticator {
  readonly #known: ReadonlyMap<string, Known>;

  constructor(keys: readonly Pick<ApiKeyConfig, 'name' | 'key' | 'claims'>[]) {
    this.#known = new Map(
      keys.map(({ name, key, claims }) => {
        const digest = hash('sha256', key.reveal(), 'base64url');
        const outcome = { kind: 'ok', principal: principal(API_KEY_ISSUER, name, { claims }) } as const;
        return [digest, { digest: Buffer.from(digest, 'base64url'), outcome }];
      }),
    );
  }

  authenticate({ bearer }: Credentials): AuthOutcome {
    const known = bearer && this.#known.get(bearer.digest);
    if (!known) return NOT_ONE;
    return timingSafeEqual(known.digest, Buffer.from(bearer.digest, 'base64url')) ? known.outcome : NOT_ONE;
  }
}
