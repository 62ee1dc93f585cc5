import { createPublicKey, type KeyObject } from 'node:crypto';

/** A public key of an issuer, with what its set says of it. */
export interface IssuerKey {
  readonly kid?: string | undefined;
  /** The one algorithm it is for; undefined: any that fits its type. */
  readonly alg?: string | undefined;
  readonly key: KeyObject;
}

/** `unfit`: there is such a key and it does not go with the algorithm, or no key or several do. */
export type KeyMatch = { readonly kind: 'key'; readonly key: KeyObject } | { readonly kind: 'absent' | 'unfit' };

const MIN_RSA_BITS = 2_048;

const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

/** The signing keys of one issuer at one moment. */
export class KeySet {
  static readonly EMPTY = new KeySet([]);
  readonly #keys: readonly IssuerKey[];
  /** Ids are compared and nothing else: a Map knows no inherited names and no paths. */
  readonly #byId = new Map<string, IssuerKey[]>();

  constructor(keys: readonly IssuerKey[]) {
    this.#keys = keys;
    for (const key of keys) {
      if (key.kid === undefined) continue;
      const same = this.#byId.get(key.kid);
      if (same) same.push(key);
      else this.#byId.set(key.kid, [key]);
    }
  }

  /** The key for a token's `kid` and `alg`; without a `kid`, the only one that fits (RS-22). */
  find(kid: string | undefined, alg: string): KeyMatch {
    const candidates = kid === undefined ? this.#keys : this.#byId.get(kid);
    if (!candidates) return { kind: 'absent' };
    const fitting = candidates.filter((key) => fits(key, alg));
    const [only] = fitting;
    return only && fitting.length === 1 ? { kind: 'key', key: only.key } : { kind: 'unfit' };
  }

  /** Whether some key of this set is not in the other one, or another key bears its id there. */
  lostIn(next: KeySet): boolean {
    return this.#keys.some(({ kid, key }) => !next.#keys.some((other) => other.kid === kid && other.key.equals(key)));
  }

  /** Whether some key goes with this algorithm. */
  serves(alg: string): boolean {
    return this.#keys.some((key) => fits(key, alg));
  }

  get size(): number {
    return this.#keys.length;
  }
}

/** Reads a key in PEM; undefined for one too weak to trust. */
export function strongKey(pem: string): KeyObject | undefined {
  const key = createPublicKey(pem);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < MIN_RSA_BITS ? undefined : key;
}

function fits({ alg: own, key }: IssuerKey, alg: string): boolean {
  if (own !== undefined && own !== alg && !(own === 'Ed25519' && alg === 'EdDSA')) return false;
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (alg === 'EdDSA') return type === 'ed25519';
  const curve = CURVES[alg];
  return curve === undefined ? type === 'rsa' : type === 'ec' && details?.namedCurve === curve;
}
