import type { Principal } from '#libs/kernel';

/** What a request shows of itself before its body is read. */
export interface Credentials {
  /** Header names in lower case, values as Node joined them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  /** Path and query as they stand in the request line. */
  readonly url: string;
  readonly remoteAddress: string;
}

/**
 * `none`: no credential of this provider's kind, ask the next one. `denied` and `malformed` stop: there was one, and it is
 * not good (401), or cannot be one (400). `unavailable` stops with 503: it cannot be judged at the moment. `reason` is for
 * operators; callers get one constant text.
 */
export type AuthOutcome =
  | { readonly kind: 'ok'; readonly principal: Principal }
  | { readonly kind: 'none' }
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number };

/** Extension point: turns credentials into a principal. Decides on headers alone; never reads the body. */
export abstract class AuthProvider {
  abstract authenticate(credentials: Credentials): AuthOutcome | Promise<AuthOutcome>;
}
