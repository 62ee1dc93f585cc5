const LINE_FEED = 0x0a;

/** Longer than any message a gateway takes; beyond it somebody sends no lines at all. */
const MAX_LINE = 64 * 1024 * 1024;

/** The lines of a byte stream, without their ends and without empty ones. @throws Error for a line without an end in sight */
export async function* linesOf(input: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const piece of input) {
    const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, end)]);
      parts = [];
      length = 0;
      from = end + 1;
      if (line.toString('latin1').trim() !== '') yield line;
    }
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_LINE) throw new Error(`a line of the client is longer than ${MAX_LINE} bytes`);
  }
}
