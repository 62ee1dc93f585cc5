import { rememberSecret } from '#libs/kernel';
import { type CredentialOutcome, Extension, UpstreamCredential, type UpstreamTarget } from '#libs/plugin';
import { FixedOutcomes } from './fixed-outcomes.js';
import { problems, reveal } from './header-rules.js';

/** `auth: { type: basic, username, password }` (RFC 7617, UTF-8). */
@Extension(UpstreamCredential, { name: 'basic', api: '1.0' })
export class BasicCredential extends UpstreamCredential {
  override readonly personal = false;
  readonly #outcomes = new FixedOutcomes(outcomeOf);

  override validate(settings: Readonly<Record<string, unknown>>): readonly string[] {
    const username = reveal(settings['username']);
    return problems({
      username:
        username === undefined || username === ''
          ? 'is required'
          : username.includes(':')
            ? 'must not contain ":"'
            : undefined,
      password: reveal(settings['password']) === undefined ? 'is required (it may be empty)' : undefined,
    });
  }

  headers(_target: UpstreamTarget, settings: Readonly<Record<string, unknown>>): CredentialOutcome {
    return this.#outcomes.of(settings);
  }
}

function outcomeOf(settings: Readonly<Record<string, unknown>>): CredentialOutcome {
  const [username, password] = [reveal(settings['username']), reveal(settings['password'])];
  if (!username || password === undefined) {
    return { kind: 'missing', reason: 'auth.username and auth.password are not set' };
  }
  const pair = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
  rememberSecret(pair);
  return { kind: 'ok', headers: { authorization: `Basic ${pair}` } };
}
