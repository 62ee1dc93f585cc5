import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { randomPiece, type Secret } from '#libs/kernel';

const NONCE = 12;
const TAG = 16;
const FORM = /^g1\.([A-Za-z0-9_-]{6})\.([A-Za-z0-9_-]+)$/;

export interface AeadUse {
  /** Tells keys derived from one secret apart. */
  readonly info: string;
  /** Authenticated along with the key's id. */
  readonly label: string;
}

/**
 * Texts that only holders of the same key can make or read: `g1.<key id>.<nonce, AES-256-GCM ciphertext, tag>` in
 * base64url. Keys are derived by HKDF, one for each use.
 */
export class Aead {
  /** Of bytes Node makes a key object at every use, which takes longer than the cipher. */
  readonly #key: KeyObject;
  readonly #kid: string;
  readonly #aad: Buffer;

  /** Without a secret the key is random: what it seals ends with the process. */
  constructor(secret: Secret | null, { info, label }: AeadUse) {
    const material = secret ? Buffer.from(secret.reveal()) : randomBytes(32);
    const key = Buffer.from(hkdfSync('sha256', material, 'mcp-gateway', info, 32));
    this.#key = createSecretKey(key);
    this.#kid = createHash('sha256').update('kid').update(key).digest('base64url').slice(0, 6);
    this.#aad = Buffer.from(`${label}|${this.#kid}`);
  }

  seal(plain: Buffer): string {
    const nonce = randomPiece(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(this.#aad);
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return `g1.${this.#kid}.${sealed.toString('base64url')}`;
  }

  /** What was sealed, or undefined for whatever this key did not seal exactly so. */
  open(token: string): Buffer | undefined {
    const [, kid, body] = FORM.exec(token) ?? [];
    if (kid !== this.#kid || body === undefined) return undefined;
    const sealed = Buffer.from(body, 'base64url');
    // The last character may hold bits that decode to nothing: only one spelling of a token is good.
    if (sealed.length <= NONCE + TAG || sealed.toString('base64url') !== body) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, NONCE), { authTagLength: TAG })
      .setAAD(this.#aad)
      .setAuthTag(sealed.subarray(sealed.length - TAG));
    try {
      const plain = decipher.update(sealed.subarray(NONCE, sealed.length - TAG));
      return Buffer.concat([plain, decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
