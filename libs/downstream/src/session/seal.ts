import type { Secret } from '#libs/kernel';
import { Aead } from './aead.js';
import { decodeClaims, encodeClaims, type SessionClaims } from './claims.js';

/** Longest session id the gateway issues or looks at. */
export const MAX_TOKEN = 512;

/**
 * Session ids that carry their own session. Every process with the same key opens them; nobody else can read, forge or
 * change one.
 */
export class SessionSeal {
  readonly #aead: Aead;

  /** Without a secret the key is random, and sessions end with the process. */
  constructor(secret: Secret | null) {
    this.#aead = new Aead(secret, { info: 'mcp-session-id v1', label: 'mcp-sid' });
  }

  /** @throws RangeError when the claims do not fit into a session id */
  seal(claims: SessionClaims): string {
    const token = this.#aead.seal(encodeClaims(claims));
    if (token.length > MAX_TOKEN) throw new RangeError(`session id longer than ${MAX_TOKEN} characters`);
    return token;
  }

  /** The claims, or undefined for whatever this key did not seal exactly so. Expiry is the caller's to check. */
  open(token: string): SessionClaims | undefined {
    const plain = token.length <= MAX_TOKEN ? this.#aead.open(token) : undefined;
    return plain && decodeClaims(plain);
  }
}
