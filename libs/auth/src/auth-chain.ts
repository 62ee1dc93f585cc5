import { type Log, SILENT } from '#libs/kernel';
import type { AuthOutcome, AuthProvider, Credentials } from '#libs/plugin';

const UNAVAILABLE: AuthOutcome = { kind: 'unavailable', retryAfterSeconds: 5 };
const NOBODY: AuthOutcome = { kind: 'none' };

/**
 * Asks the configured providers in order. `none` passes on; everything else stops, so that a later, weaker provider never
 * repairs what a stronger one refused. A provider that throws counts as unavailable. `none` of the chain: nobody found a
 * credential of its kind.
 */
export class AuthChain {
  readonly #providers: readonly AuthProvider[];
  readonly #log: Log;

  constructor(providers: readonly AuthProvider[], log: Log = SILENT) {
    this.#providers = providers;
    this.#log = log;
  }

  authenticate(credentials: Credentials): AuthOutcome | Promise<AuthOutcome> {
    return this.#ask(credentials, 0);
  }

  // Stays synchronous while the providers do: with no authentication a request costs no extra turn of the event loop.
  #ask(credentials: Credentials, from: number): AuthOutcome | Promise<AuthOutcome> {
    for (let index = from; index < this.#providers.length; index++) {
      const provider = this.#providers[index];
      if (!provider) break;
      try {
        const outcome = provider.authenticate(credentials);
        if (outcome instanceof Promise) {
          return outcome.then(
            (settled) => (settled.kind === 'none' ? this.#ask(credentials, index + 1) : settled),
            (thrown) => this.#failed(provider, thrown),
          );
        }
        if (outcome.kind !== 'none') return outcome;
      } catch (thrown) {
        return this.#failed(provider, thrown);
      }
    }
    return NOBODY;
  }

  #failed(provider: AuthProvider, thrown: unknown): AuthOutcome {
    this.#log.error({ err: thrown, provider: provider.constructor.name }, 'An authentication provider failed');
    return UNAVAILABLE;
  }
}
