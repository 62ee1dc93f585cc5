import type { Principal } from '#libs/kernel';

/** What a request shows of itself before its body is read. */
export interface Credentials {
  /** Header names in lower case, values as Node joined them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string;
}

/** `none` passes on to the next provider; `denied` stops; `unavailable` stops with 503. */
export type AuthOutcome =
  | { readonly kind: 'ok'; readonly principal: Principal }
  | { readonly kind: 'none' }
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number };

/** Extension point: turns credentials into a principal. Decides on headers alone; never reads the body. */
export abstract class AuthProvider {
  abstract authenticate(credentials: Credentials): AuthOutcome | Promise<AuthOutcome>;
}
