import type { CredentialOutcome } from '#libs/plugin';

type Settings = Readonly<Record<string, unknown>>;

/**
 * What a fixed credential comes to, worked out once for each `auth` block: whoever makes something of the headers knows them
 * again by their object.
 */
export class FixedOutcomes {
  readonly #known = new WeakMap<Settings, CredentialOutcome>();
  readonly #make: (settings: Settings) => CredentialOutcome;

  constructor(make: (settings: Settings) => CredentialOutcome) {
    this.#make = make;
  }

  of(settings: Settings): CredentialOutcome {
    let outcome = this.#known.get(settings);
    if (!outcome) {
      outcome = this.#make(settings);
      this.#known.set(settings, outcome);
    }
    return outcome;
  }
}
