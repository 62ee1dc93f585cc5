import { principal } from '#libs/kernel';
import type { Authenticator, AuthOutcome, Credentials } from '#libs/plugin';

/** For tests with several callers: `Authorization: User ann` is ann, `down` cannot be checked, others are refused. */
export class HeaderUsers implements Authenticator {
  authenticate({ headers }: Credentials): AuthOutcome {
    const [scheme, name] = String(headers['authorization'] ?? '').split(' ');
    if (scheme === '') return { kind: 'none' };
    if (scheme !== 'User' || !name) return { kind: 'denied', reason: 'malformed' };
    if (name === 'down') return { kind: 'unavailable', retryAfterSeconds: 7 };
    return { kind: 'ok', principal: principal('https://issuer.example', name) };
  }
}

export function as(name: string): { authorization: string } {
  return { authorization: `User ${name}` };
}
