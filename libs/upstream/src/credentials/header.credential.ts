import { type CredentialOutcome, Extension, UpstreamCredential, type UpstreamTarget } from '#libs/plugin';
import { FixedOutcomes } from './fixed-outcomes.js';
import { nameProblem, problems, reveal, valueProblem } from './header-rules.js';

/** `auth: { type: header, header, value }`: one fixed header. */
@Extension(UpstreamCredential, { name: 'header', api: '1.0' })
export class HeaderCredential extends UpstreamCredential {
  override readonly personal = false;
  readonly #outcomes = new FixedOutcomes(outcomeOf);

  override validate(settings: Readonly<Record<string, unknown>>): readonly string[] {
    return problems({ header: nameProblem(settings['header']), value: valueProblem(settings['value']) });
  }

  headers(_target: UpstreamTarget, settings: Readonly<Record<string, unknown>>): CredentialOutcome {
    return this.#outcomes.of(settings);
  }
}

function outcomeOf(settings: Readonly<Record<string, unknown>>): CredentialOutcome {
  const [name, value] = [settings['header'], reveal(settings['value'])];
  if (typeof name !== 'string' || !value) return { kind: 'missing', reason: 'auth.header and auth.value are not set' };
  return { kind: 'ok', headers: { [name.toLowerCase()]: value } };
}
