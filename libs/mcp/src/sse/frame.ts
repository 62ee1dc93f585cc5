/** One `message` event; JSON has no raw newlines inside, so `data` is one line (newlines in pretty JSON are handled). */
export function sseFrame(_data: Buffer | string, _id?: string): Buffer {
  throw new Error('pending');
}

/** Keep-alive comment line. */
export const SSE_KEEP_ALIVE = Buffer.from(': keep-alive\n\n');
