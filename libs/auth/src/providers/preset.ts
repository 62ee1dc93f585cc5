import type { AuthSetup } from '#libs/plugin';
import type { DiscoveryForm } from '../keys/discovery.js';
import type { Claims } from '../tokens/claims.js';

/**
 * What is special about one kind of identity provider. Everything that is not said here is the same for all of them.
 */
export interface Preset {
  readonly name: string;
  /** Where its metadata may lie, tried in this order. */
  readonly discovery: readonly DiscoveryForm[];
  /** The `typ` of its access tokens: `at+jwt` and nothing else (RFC 9068), or also `JWT` and none. */
  readonly type: 'at+jwt' | 'any';
  /** Claims that say who it is: the first alternative that is there, its claims joined. */
  readonly subject: readonly (readonly string[])[];
  /** Claims that name the OAuth client, the first that is there. */
  readonly client: readonly string[];
  /** Claims that grant something: a token with one of them is no ID token (RS-60). */
  readonly grants: readonly string[];
  /** The claim that stands for `aud` in tokens that have none; only `oauth.audience` is compared with it. */
  readonly audienceClaim?: string;
  /** Its ID tokens are what it has for access tokens. */
  readonly idTokens?: boolean;
  /** Audiences accepted besides the configured ones, of an issuer. */
  audiences?(issuer: string, setup: AuthSetup): readonly string[];
  /** The configured issuer that an `iss` stands for, where that is not its exact spelling. */
  issuerOf?(iss: string): string | undefined;
  /** Why a token with good signature, times and audience is no access token. */
  rejects?(claims: Claims, setup: AuthSetup): string | undefined;
}

/** What most providers do. */
export const COMMON = {
  discovery: ['oidc', 'oauth'],
  type: 'any',
  subject: [['sub']],
  client: ['client_id', 'azp'],
  grants: ['scope', 'scp', 'roles', 'permissions'],
} as const satisfies Omit<Preset, 'name'>;
