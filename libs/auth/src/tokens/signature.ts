import type { KeyObject } from 'node:crypto';
import { compactVerify } from 'jose';
import type { Algorithm } from 'jsonwebtoken';
import { Strategy, type StrategyOptionsWithoutRequest } from 'passport-jwt';
import type { Strategy as PassportStrategy } from 'passport-strategy';
import { messageOf } from '#libs/kernel';

/** A token whose form was checked, and the key that it has to be signed with. */
export interface SignedToken {
  readonly token: string;
  readonly alg: string;
  readonly key: KeyObject;
}

/** Why a signature does not hold; undefined when it does. */
export type SignatureFlaw = string | undefined;

/** What jsonwebtoken below passport-jwt does not know and jose does. */
const JOSE_ONLY: ReadonlySet<string> = new Set(['EdDSA']);

type Run = Pick<PassportStrategy, 'success' | 'fail' | 'error' | 'authenticate'>;

/**
 * Checks signatures, and nothing but signatures: claims are judged by rules of our own with a clock of our own. passport-jwt
 * is driven directly, one run per token, because its Nest wrapper tells failures of the check and of the token apart no more.
 */
export class Signatures {
  readonly #strategy: Strategy;
  readonly #algorithms: readonly string[];

  constructor(algorithms: readonly string[]) {
    this.#algorithms = algorithms;
    const options: StrategyOptionsWithoutRequest = {
      jwtFromRequest: ({ token }: SignedToken) => token,
      // jsonwebtoken takes KeyObjects; only the types of passport-jwt do not know it.
      secretOrKeyProvider: ({ key }: SignedToken, _token, done) => done(null, key as unknown as Buffer),
      algorithms: algorithms.filter((alg) => !JOSE_ONLY.has(alg)) as Algorithm[],
      ignoreExpiration: true,
      jsonWebTokenOptions: { ignoreNotBefore: true },
    };
    this.#strategy = new Strategy(options, (payload, done) => done(null, payload));
  }

  check(signed: SignedToken): Promise<SignatureFlaw> {
    if (!this.#algorithms.includes(signed.alg)) return Promise.resolve('its algorithm is not allowed');
    return JOSE_ONLY.has(signed.alg) ? checkWithJose(signed) : this.#checkWithPassport(signed);
  }

  #checkWithPassport(signed: SignedToken): Promise<SignatureFlaw> {
    return new Promise((resolve, reject) => {
      // passport gives each request an object of its own below the strategy, for these three to be put on.
      const run = Object.create(this.#strategy) as Run;
      run.success = () => resolve(undefined);
      run.fail = (challenge: unknown) => resolve(messageOf(challenge));
      run.error = reject;
      run.authenticate(signed as never);
    });
  }
}

async function checkWithJose({ token, alg, key }: SignedToken): Promise<SignatureFlaw> {
  try {
    await compactVerify(token, key, { algorithms: [alg] });
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
