import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares a bearer token in constant time; digests hide the length as well. */
export function isBearer(authorization: string | undefined, token: string): boolean {
  const match = /^bearer +([^\s]+)$/i.exec(authorization ?? '');
  return timingSafeEqual(digest(match?.[1] ?? ''), digest(token)) && match !== null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
