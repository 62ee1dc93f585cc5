import type { KeyObject } from 'node:crypto';
import type { Algorithm } from 'jsonwebtoken';
import type { Strategy, StrategyOptionsWithoutRequest } from 'passport-jwt';
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
 * What checks is loaded with the first token: a gateway that sees none starts sooner without it.
 */
export class Signatures {
  #strategy: Promise<Strategy> | undefined;

  constructor(private readonly algorithms: readonly string[]) {}

  async #load(): Promise<Strategy> {
    const { Strategy } = await import('passport-jwt');
    const options: StrategyOptionsWithoutRequest = {
      jwtFromRequest: ({ token }: SignedToken) => token,
      // jsonwebtoken takes KeyObjects; only the types of passport-jwt do not know it.
      secretOrKeyProvider: ({ key }: SignedToken, _token, done) => done(null, key as unknown as Buffer),
      algorithms: this.algorithms.filter((alg) => !JOSE_ONLY.has(alg)) as Algorithm[],
      ignoreExpiration: true,
      jsonWebTokenOptions: { ignoreNotBefore: true },
    };
    return new Strategy(options, (payload, done) => done(null, payload));
  }

  check(signed: SignedToken): Promise<SignatureFlaw> {
    if (!this.algorithms.includes(signed.alg)) return Promise.resolve('its algorithm is not allowed');
    return JOSE_ONLY.has(signed.alg) ? checkWithJose(signed) : this.#checkWithPassport(signed);
  }

  async #checkWithPassport(signed: SignedToken): Promise<SignatureFlaw> {
    this.#strategy ??= this.#load();
    const strategy = await this.#strategy;
    return await new Promise((resolve, reject) => {
      // passport gives each request an object of its own below the strategy, for these three to be put on.
      const run = Object.create(strategy) as Run;
      run.success = () => resolve(undefined);
      run.fail = (challenge: unknown) => resolve(messageOf(challenge));
      run.error = reject;
      run.authenticate(signed as never);
    });
  }
}

async function checkWithJose({ token, alg, key }: SignedToken): Promise<SignatureFlaw> {
  const { compactVerify } = await import('jose');
  try {
    await compactVerify(token, key, { algorithms: [alg] });
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
