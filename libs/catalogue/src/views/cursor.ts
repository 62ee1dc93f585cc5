import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const NAME_BYTES = 12;
const HEAD_BYTES = 8 + 4 + 4 + NAME_BYTES;
/** Longer than any cursor this gateway ever made. */
const MAX_CURSOR_CHARS = 512;

/** Where a page ended: the last item's upstream and name, and where they stood, should one of them be gone. */
export interface CursorPlace {
  readonly server: string;
  /** `nameKey` of the last item's own name. */
  readonly name: Buffer;
  readonly position: number;
  /** The upstream's place in the configuration. */
  readonly order: number;
}

export function nameKey(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, NAME_BYTES);
}

/**
 * Seals cursors, so that they are opaque and good only for whom they were made: `bearer` names caller, endpoint,
 * spelling and list, and is authenticated with the seal without being in it.
 */
export class CursorSeal {
  readonly #key: KeyObject;

  constructor(
    key: Buffer | undefined,
    private readonly lifetime: number,
    private readonly now: () => number,
  ) {
    this.#key = createSecretKey(key ?? randomBytes(32));
  }

  seal({ server, name, position, order }: CursorPlace, bearer: string): string {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeBigUInt64BE(BigInt(this.now() + this.lifetime), 0);
    head.writeUInt32BE(position, 8);
    head.writeUInt32BE(order, 12);
    name.copy(head, 16);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, iv).setAAD(Buffer.from(bearer));
    const sealed = Buffer.concat([iv, cipher.update(head), cipher.update(server, 'utf8'), cipher.final()]);
    return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** The place, or undefined for a cursor that is malformed, foreign or expired. */
  open(cursor: string, bearer: string): CursorPlace | undefined {
    if (cursor.length > MAX_CURSOR_CHARS) return undefined;
    const bytes = Buffer.from(cursor, 'base64url');
    if (bytes.toString('base64url') !== cursor) return undefined;
    if (bytes.length <= IV_BYTES + HEAD_BYTES + TAG_BYTES) return undefined;
    const plain = this.#decrypt(bytes, bearer);
    if (!plain || Number(plain.readBigUInt64BE(0)) < this.now()) return undefined;
    return {
      position: plain.readUInt32BE(8),
      order: plain.readUInt32BE(12),
      name: plain.subarray(16, HEAD_BYTES),
      server: plain.toString('utf8', HEAD_BYTES),
    };
  }

  #decrypt(bytes: Buffer, bearer: string): Buffer | undefined {
    const tagAt = bytes.length - TAG_BYTES;
    const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(bearer))
      .setAuthTag(bytes.subarray(tagAt));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, tagAt)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
