/** A request as it will be written. */
export interface Draft {
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: Buffer;
  /** How the end of the body is told: by its length, by chunks, or as the faults that set headers of their own say. */
  framing: 'length' | 'chunked' | 'own';
  /** Ends the lines of the head. */
  eol: string;
}

export function serialize({ method, target, headers, body, framing, eol }: Draft): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (framing === 'length' && body.length > 0) lines.push(`content-length: ${body.length}`);
  if (framing === 'chunked') lines.push('transfer-encoding: chunked');
  const head = Buffer.from(`${lines.join(eol)}${eol}${eol}`, 'latin1');
  if (framing !== 'chunked') return Buffer.concat([head, body]);
  const half = Math.ceil(body.length / 2);
  const chunks = [body.subarray(0, half), body.subarray(half)]
    .filter((piece) => piece.length > 0)
    .flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
  return Buffer.concat([head, ...chunks, Buffer.from('0\r\n\r\n')]);
}

export function valuesOf({ headers }: Draft, name: string): readonly string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

export function set(draft: Draft, name: string, value: string): void {
  drop(draft, name);
  draft.headers.push([name, value]);
}

export function drop(draft: Draft, name: string): void {
  draft.headers = draft.headers.filter(([key]) => key.toLowerCase() !== name);
}
