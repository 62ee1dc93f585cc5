import { messageOf } from '#libs/kernel';
import type { CredentialOutcome } from '#libs/plugin';

/** A token as a credential: at once when it is at hand. */
export function bearerOutcome(token: () => string | Promise<string>): CredentialOutcome | Promise<CredentialOutcome> {
  const found = token();
  return typeof found === 'string' ? given(found) : found.then(given, missing);
}

/** The token in headers that were made here. */
export function bearerOf(headers: Readonly<Record<string, string>>): string | undefined {
  const { authorization } = headers;
  return authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : undefined;
}

function given(token: string): CredentialOutcome {
  return { kind: 'ok', headers: { authorization: `Bearer ${token}` } };
}

function missing(thrown: unknown): CredentialOutcome {
  return { kind: 'missing', reason: messageOf(thrown) };
}
