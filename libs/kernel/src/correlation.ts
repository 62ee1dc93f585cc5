import { randomPiece } from './random.js';

const SANE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{7,127}$/;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A W3C traceparent that is well-formed, of a valid version, with no id all zero; else undefined. */
export function saneTraceparent(value: string | undefined): string | undefined {
  return value !== undefined && TRACEPARENT.test(value) ? value : undefined;
}

/** The correlation id of a request: the caller's own when sane, the trace id of its traceparent, else a new one. */
export function correlationId(requestId: string | undefined, traceparent: string | undefined): string {
  if (requestId !== undefined && SANE_ID.test(requestId)) return requestId;
  return saneTraceparent(traceparent)?.slice(3, 35) ?? fresh();
}

function fresh(): string {
  return randomPiece(16).toString('hex');
}
