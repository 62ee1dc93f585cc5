import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Secret } from '#libs/kernel';
import { decodeClaims, encodeClaims, type SessionClaims } from './claims.js';

/** Longest session id the gateway issues or looks at. */
export const MAX_TOKEN = 512;

const NONCE = 12;
const TAG = 16;
const FORM = /^g1\.([A-Za-z0-9_-]{6})\.([A-Za-z0-9_-]+)$/;

/**
 * Session ids that carry their own session: `g1.<key id>.<nonce, AES-256-GCM ciphertext, tag>`. Every process with the
 * same key opens them; nobody else can read, forge or change one.
 */
export class SessionSeal {
  readonly #key: Buffer;
  readonly #kid: string;
  readonly #aad: Buffer;

  /** Without a secret the key is random, and sessions end with the process. */
  constructor(secret: Secret | null) {
    const material = secret ? Buffer.from(secret.reveal()) : randomBytes(32);
    this.#key = Buffer.from(hkdfSync('sha256', material, 'mcp-gateway', 'mcp-session-id v1', 32));
    this.#kid = createHash('sha256').update('kid').update(this.#key).digest('base64url').slice(0, 6);
    this.#aad = Buffer.from(`mcp-sid|${this.#kid}`);
  }

  /** @throws RangeError when the claims do not fit into a session id */
  seal(claims: SessionClaims): string {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(this.#aad);
    const sealed = Buffer.concat([nonce, cipher.update(encodeClaims(claims)), cipher.final(), cipher.getAuthTag()]);
    const token = `g1.${this.#kid}.${sealed.toString('base64url')}`;
    if (token.length > MAX_TOKEN) throw new RangeError(`session id longer than ${MAX_TOKEN} characters`);
    return token;
  }

  /** The claims, or undefined for whatever this key did not seal exactly so. Expiry is the caller's to check. */
  open(token: string): SessionClaims | undefined {
    const [, kid, body] = (token.length <= MAX_TOKEN && FORM.exec(token)) || [];
    if (kid !== this.#kid || body === undefined) return undefined;
    const sealed = Buffer.from(body, 'base64url');
    // The last character may hold bits that decode to nothing: only one spelling of a token is good.
    if (sealed.length <= NONCE + TAG || sealed.toString('base64url') !== body) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, NONCE), { authTagLength: TAG })
      .setAAD(this.#aad)
      .setAuthTag(sealed.subarray(sealed.length - TAG));
    try {
      const plain = decipher.update(sealed.subarray(NONCE, sealed.length - TAG));
      return decodeClaims(Buffer.concat([plain, decipher.final()]));
    } catch {
      return undefined;
    }
  }
}
