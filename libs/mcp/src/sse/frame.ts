const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/**
 * The bytes of a JSON text without line breaks. Outside strings they are white space, and inside strings JSON has
 * none, so each becomes a space. Returns the same buffer when there are none.
 */
export function oneLine(json: Buffer): Buffer {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  const line = Buffer.from(json);
  for (let at = 0; at < line.length; at++) {
    if (line[at] === LINE_FEED || line[at] === CARRIAGE_RETURN) line[at] = SPACE;
  }
  return line;
}

/**
 * One `message` event with JSON in its data, which is put on one line. Empty data makes an event that only carries
 * its id. Line breaks and NUL, which an id cannot hold, are left out of it.
 */
export function sseFrame(data: Buffer | string, id?: string): Buffer {
  const idLine = id === undefined ? '' : `id: ${withoutBreaks(id)}\n`;
  if (data.length === 0) return Buffer.from(`${idLine}data: \n\n`);
  const head = `event: message\n${idLine}data: `;
  if (typeof data === 'string') return Buffer.from(`${head}${data.replaceAll(/[\r\n]/g, ' ')}\n\n`);
  const line = oneLine(data);
  const size = Buffer.byteLength(head);
  const frame = Buffer.allocUnsafe(size + line.length + 2);
  frame.write(head, 0, size, 'utf8');
  frame.set(line, size);
  frame[size + line.length] = LINE_FEED;
  frame[size + line.length + 1] = LINE_FEED;
  return frame;
}

/** Keep-alive comment line. */
export const SSE_KEEP_ALIVE = Buffer.from(': keep-alive\n\n');

function withoutBreaks(id: string): string {
  return id.replaceAll(/[\r\n]/g, '').replaceAll('\0', '');
}
