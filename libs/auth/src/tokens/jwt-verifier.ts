import type { AuthSetup, Bearer } from '#libs/plugin';
import type { Clock, KeyCache, KeyFound } from '../keys/key-cache.js';
import type { Preset } from '../providers/preset.js';
import { shown } from '../shown.js';
import { readJwt, type UnverifiedJwt } from './form.js';
import { judgeClaims } from './judge-claims.js';
import { Signatures } from './signature.js';
import { type Verdict, verified } from './verified.js';

/** Finds JWTs good or not: form, issuer, key, signature, claims, in this order. Keeps nothing. */
export class JwtVerifier {
  readonly #signatures: Signatures;

  constructor(
    private readonly preset: Preset,
    private readonly setup: AuthSetup,
    /** The keys of each configured issuer, and of nobody else. */
    private readonly keys: ReadonlyMap<string, KeyCache>,
    private readonly clock: Clock,
  ) {
    this.#signatures = new Signatures(setup.algorithms);
  }

  async verify({ token }: Bearer): Promise<Verdict> {
    const { preset, setup } = this;
    const read = readJwt(token, { algorithms: setup.algorithms, type: preset.type });
    if ('refused' in read) return denied(read.refused);
    const { jwt } = read;
    const issuer = preset.issuerOf?.(jwt.issuer) ?? jwt.issuer;
    const keys = this.keys.get(issuer);
    if (!keys)
      return denied(
        `its issuer is ${shown(jwt.issuer)}, which is not in oauth.authorization_servers (compared to the letter)`,
      );
    const found: KeyFound = await keys.find(jwt.kid, jwt.alg);
    if (found.kind === 'unavailable') return found;
    if (found.kind === 'unknown') return denied(found.reason);
    const flaw = await this.#signatures.check({ token, alg: jwt.alg, key: found.key });
    return flaw === undefined ? this.#judge(jwt, issuer, token) : denied(`its signature does not hold (${flaw})`);
  }

  #judge({ claims }: UnverifiedJwt, issuer: string, token: string): Verdict {
    const now = this.clock.now();
    const judged = judgeClaims(claims, { preset: this.preset, setup: this.setup, issuer, token, now });
    if ('refused' in judged) return denied(judged.refused);
    return verified(judged.principal, { reach: judged.reach, size: token.length, elapsed: this.clock.elapsed() });
  }
}

function denied(reason: string): Verdict {
  return { kind: 'denied', reason: `the token is refused: ${reason}` };
}
