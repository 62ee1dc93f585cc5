import { type Log, SILENT } from '#libs/kernel';
import type { Authenticator, AuthOutcome, Credentials } from '#libs/plugin';
import { KnownBearers } from './known-bearers.js';
import { type Presented, presented } from './presented.js';

const UNAVAILABLE: AuthOutcome = { kind: 'unavailable', retryAfterSeconds: 5 };
/** Milliseconds between complaints about authenticators that throw. */
const QUIET = 10_000;
const NOBODY: AuthOutcome = { kind: 'none' };
const UNRECOGNISED: AuthOutcome = { kind: 'denied', reason: 'no configured issuer or key recognises the token' };

export interface ChainSettings {
  /** Longest token in characters. */
  readonly maxTokenLength: number;
  /** Credentials are not even looked at: there is nobody who could judge them. */
  readonly anonymous: boolean;
}

interface Chain extends ChainSettings {
  readonly steps: readonly Authenticator[];
  readonly known: KnownBearers;
}

type Found = Extract<Presented, { kind: 'bearer' }>;

/**
 * Asks the configured authenticators in order. `none` passes on; everything else stops, so that a later, weaker one never
 * repairs what a stronger one refused. One that throws counts as unavailable. `none` of the chain: nobody found a
 * credential of its kind. A token nobody recognises is denied.
 */
export class AuthChain {
  readonly #log: Log;
  #chain: Chain;
  #complained = Number.NEGATIVE_INFINITY;

  constructor(steps: readonly Authenticator[], log: Log = SILENT) {
    this.#log = log;
    this.#chain = { steps, maxTokenLength: 8_192, anonymous: false, known: new KnownBearers() };
  }

  /** From now on these are asked, about new requests. */
  replace(steps: readonly Authenticator[], settings: ChainSettings): void {
    this.#chain = { steps, ...settings, known: new KnownBearers() };
  }

  authenticate(credentials: Credentials): AuthOutcome | Promise<AuthOutcome> {
    const chain = this.#chain;
    if (chain.anonymous) return this.#ask(chain, credentials, 0);
    const found = presented(credentials, chain.maxTokenLength, chain.known);
    if (found.kind === 'malformed' || found.kind === 'denied') return found;
    if (found.kind === 'none') return this.#ask(chain, credentials, 0);
    const { headers, rawHeaders, url, remoteAddress } = credentials;
    const outcome = this.#ask(chain, { headers, rawHeaders, url, remoteAddress, bearer: found.bearer }, 0);
    const authorization = headers['authorization'] as string;
    if (outcome instanceof Promise) return outcome.then((settled) => noted(chain, authorization, found, settled));
    return noted(chain, authorization, found, outcome);
  }

  // Stays synchronous while the authenticators do: a request with a known token costs no extra turn of the event loop.
  #ask(chain: Chain, credentials: Credentials, from: number): AuthOutcome | Promise<AuthOutcome> {
    const { steps } = chain;
    for (let index = from; index < steps.length; index++) {
      const step = steps[index] as Authenticator;
      try {
        const outcome = step.authenticate(credentials);
        if (outcome instanceof Promise) {
          return outcome.then(
            (settled) => (settled.kind === 'none' ? this.#ask(chain, credentials, index + 1) : settled),
            (thrown) => this.#failed(step, thrown),
          );
        }
        if (outcome.kind !== 'none') return outcome;
      } catch (thrown) {
        return this.#failed(step, thrown);
      }
    }
    return credentials.bearer ? UNRECOGNISED : NOBODY;
  }

  /** Said once in a while: one that fails with every request must not fill the log. */
  #failed(step: Authenticator, thrown: unknown): AuthOutcome {
    const now = performance.now();
    if (now - this.#complained >= QUIET) {
      this.#complained = now;
      this.#log.error({ err: thrown, provider: step.constructor.name }, 'An authentication provider failed');
    }
    return UNAVAILABLE;
  }
}

/** Only what was let in is remembered: a stranger's token is not kept a moment longer than its request. */
function noted({ known }: Chain, authorization: string, { bearer, isKnown }: Found, outcome: AuthOutcome): AuthOutcome {
  const isGood = outcome.kind === 'ok';
  if (isGood && !isKnown) known.keep(authorization, bearer);
  if (!isGood && isKnown) known.forget(authorization);
  return outcome;
}
