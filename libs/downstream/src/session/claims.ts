/** What a legacy session id says. Immutable: everything that changes later lives in the session's overlay. */
export interface SessionClaims {
  /** 16 random bytes, base64url: the key of everything remembered about the session. */
  readonly id: string;
  readonly principalKey: string;
  /** Path of the endpoint the session was opened at. */
  readonly endpoint: string;
  /** Negotiated protocol version. */
  readonly version: string;
  /** Packed client capabilities, one byte. */
  readonly capabilities: number;
  readonly clientName: string;
  readonly clientVersion: string;
  /** The process that made the session: 4 random bytes, hex. */
  readonly home: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

const FORMAT = 1;
const ID_BYTES = 16;
const HOME_BYTES = 4;
const FIXED = 1 + ID_BYTES + HOME_BYTES + 6 + 4 + 1;

/** Longest client name and version kept, in UTF-8 bytes. */
export const MAX_CLIENT_TEXT = 64;

/** Longest of the texts, in UTF-8 bytes: their length has to fit into one. */
const MAX_TEXT = 255;

/** Where claims are written, one session's at a time. */
const SCRATCH = Buffer.alloc(FIXED + 5 * (1 + MAX_TEXT));

/**
 * Binary and short, because session ids travel with every request: fixed part, then length-prefixed texts. For at once: the
 * next claims are written over these.
 */
export function encodeClaims(claims: SessionClaims): Buffer {
  const bytes = SCRATCH;
  bytes[0] = FORMAT;
  bytes.write(claims.id, 1, ID_BYTES, 'base64url');
  bytes.write(claims.home, 17, HOME_BYTES, 'hex');
  bytes.writeUIntBE(claims.issuedAt, 21, 6);
  bytes.writeUInt32BE(claims.expiresAt, 27);
  bytes[31] = claims.capabilities;
  let end = writeText(bytes, FIXED, claims.principalKey);
  end = writeText(bytes, end, claims.endpoint);
  end = writeText(bytes, end, claims.version);
  end = writeText(bytes, end, claims.clientName);
  end = writeText(bytes, end, claims.clientVersion);
  return bytes.subarray(0, end);
}

/** The claims, or undefined when the bytes are not of this format. */
export function decodeClaims(bytes: Buffer): SessionClaims | undefined {
  if (bytes.length < FIXED || bytes[0] !== FORMAT) return undefined;
  const texts: string[] = [];
  let at = FIXED;
  while (at < bytes.length) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (end > bytes.length) return undefined;
    texts.push(bytes.toString('utf8', at + 1, end));
    at = end;
  }
  const [principalKey, endpoint, version, clientName, clientVersion] = texts;
  if (principalKey === undefined || endpoint === undefined || version === undefined) return undefined;
  if (clientName === undefined || clientVersion === undefined || texts.length !== 5) return undefined;
  return {
    id: bytes.toString('base64url', 1, 1 + ID_BYTES),
    home: bytes.toString('hex', 17, 17 + HOME_BYTES),
    issuedAt: bytes.readUIntBE(21, 6),
    expiresAt: bytes.readUInt32BE(27),
    capabilities: bytes[31] ?? 0,
    principalKey,
    endpoint,
    version,
    clientName,
    clientVersion,
  };
}

/** Cuts a text to so many UTF-8 bytes, never inside a character. */
export function cutText(text: string, maxBytes = MAX_CLIENT_TEXT): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return bytes.toString();
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** Returns where it ends. */
function writeText(bytes: Buffer, at: number, text: string): number {
  const start = at + 1;
  const length = Buffer.byteLength(text);
  if (length > MAX_TEXT) throw new RangeError(`session claim longer than ${MAX_TEXT} bytes`);
  bytes[at] = length;
  bytes.write(text, start);
  return start + length;
}
