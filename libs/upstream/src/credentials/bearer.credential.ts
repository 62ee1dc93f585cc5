import { type CredentialOutcome, Extension, UpstreamCredential, type UpstreamTarget } from '#libs/plugin';
import { FixedOutcomes } from './fixed-outcomes.js';
import { problems, reveal, valueProblem } from './header-rules.js';

/** `auth: { type: bearer, token }`: a fixed token (RFC 6750). */
@Extension(UpstreamCredential, { name: 'bearer', api: '1.0' })
export class BearerCredential extends UpstreamCredential {
  override readonly personal = false;
  readonly #outcomes = new FixedOutcomes(outcomeOf);

  override validate(settings: Readonly<Record<string, unknown>>): readonly string[] {
    const doubled = /^bearer\s/i.test(reveal(settings['token']) ?? '');
    return problems({
      token: doubled ? 'must be the token alone; "Bearer " is added by the gateway' : valueProblem(settings['token']),
    });
  }

  headers(_target: UpstreamTarget, settings: Readonly<Record<string, unknown>>): CredentialOutcome {
    return this.#outcomes.of(settings);
  }
}

function outcomeOf(settings: Readonly<Record<string, unknown>>): CredentialOutcome {
  const token = reveal(settings['token']);
  if (!token) return { kind: 'missing', reason: 'auth.token is not set' };
  return { kind: 'ok', headers: { authorization: `Bearer ${token}` } };
}
