import type { Principal, Secret } from '#libs/kernel';

/** The token of `Authorization: Bearer <token>`. */
export interface Bearer {
  readonly token: string;
  /** SHA-256 of the whole token, base64url: what caches and comparisons go by. */
  readonly digest: string;
}

/** What a request shows of itself before its body is read. */
export interface Credentials {
  /** Header names in lower case, values as Node joined them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  /** Path and query as they stand in the request line. */
  readonly url: string;
  readonly remoteAddress: string;
  /** Its bearer token, when it has one and only one: the gateway sees to that before it asks. */
  readonly bearer?: Bearer | undefined;
}

/**
 * `none`: no credential of this provider's kind, ask the next one. `denied` and `malformed` stop: there was one, and it is
 * not good (401), or cannot be one (400). `unavailable` stops with 503: it cannot be judged at the moment. `reason` is for
 * operators; callers get one constant text. `limit`: the key of a configured limit, when that was what decided.
 */
export type AuthOutcome =
  | { readonly kind: 'ok'; readonly principal: Principal }
  | { readonly kind: 'none' }
  | { readonly kind: 'denied'; readonly reason: string; readonly limit?: string }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number };

/** Turns credentials into a principal. Decides on headers alone; never reads the body. */
export interface Authenticator {
  /** Answers at once where it can: a promise costs every request a turn of the event loop. */
  authenticate(credentials: Credentials): AuthOutcome | Promise<AuthOutcome>;
  /** Contacts what it will need, so that the first caller does not wait. Never rejects. */
  warmUp?(): Promise<void>;
  /** Called when another configuration has taken over, or at the end. */
  close?(): void;
}

/** What the configuration says to a provider. */
export interface AuthSetup {
  /** `oauth.authorization_servers`: exact strings. */
  readonly issuers: readonly string[];
  /** The gateway's resource identifier at its main endpoint. A token for it is good at all endpoints. */
  readonly resource: string;
  /** `oauth.audience`: accepted besides the resource. */
  readonly audience: readonly string[];
  /** Resource identifier of the endpoint that a request line's target names; the main one's for all others. */
  resourceAt(target: string): string;
  /** `oauth.algorithms`. */
  readonly algorithms: readonly string[];
  /** Milliseconds that clocks may differ. */
  readonly clockTolerance: number;
  /** `oauth.jwks_uri`; undefined: by discovery. */
  readonly jwksUri: string | undefined;
  readonly introspection: IntrospectionSetup | undefined;
  /** The block of `oauth` that is named after the provider. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** An RFC 7662 endpoint and what the gateway is there. */
export interface IntrospectionSetup {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
}

/**
 * Extension point: one kind of identity provider, chosen by `oauth.provider`. It is one object for the whole process; what
 * a configuration makes of it is the authenticator that `open` returns. After a reload a new one is opened and the old
 * one is closed.
 */
export abstract class AuthProvider {
  /**
   * What is wrong with its part of the `oauth` section, each a sentence that starts with the offending key
   * (`audience: must …`). Asked when the configuration is checked: contacts nobody.
   */
  validate(_setup: AuthSetup): readonly string[] {
    return [];
  }

  /** What is doubtful, in the same form: most of all, why nobody could get in. */
  warnings(_setup: AuthSetup): readonly string[] {
    return [];
  }

  /** The rules in force, one sentence each, for the log at start. */
  describe(_setup: AuthSetup): readonly string[] {
    return [];
  }

  /** Scopes as a client has to ask the authorization server for them, where it spells them differently in its tokens. */
  challengeScopes(scopes: readonly string[], _setup: AuthSetup): readonly string[] {
    return scopes;
  }

  abstract open(setup: AuthSetup): Authenticator;
}
