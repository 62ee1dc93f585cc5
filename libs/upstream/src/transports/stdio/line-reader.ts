const NEWLINE = 0x0a;
/** Enough of a refused line to find the id of the response it was. */
const KEPT = 256;

export interface LineHandlers {
  /** One line without its line break. */
  onLine(line: Buffer): void;
  /** A line over the limit went by; only its ends were kept. */
  onOversize(head: Buffer, tail: Buffer, bytes: number): void;
}

/** Cuts a byte stream into lines. Never holds more than the limit; a longer line is counted and dropped. */
export class LineReader {
  readonly #limit: number;
  readonly #handlers: LineHandlers;
  #parts: Buffer[] = [];
  #size = 0;
  #head: Buffer | undefined;
  #tail = Buffer.alloc(0);

  constructor(limit: number, handlers: LineHandlers) {
    this.#limit = limit;
    this.#handlers = handlers;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
  }

  #add(part: Buffer): void {
    this.#size += part.length;
    if (this.#head) {
      this.#tail = tailOf(this.#tail, part);
    } else if (this.#size > this.#limit) {
      this.#parts.push(part);
      const whole = Buffer.concat(this.#parts);
      this.#head = Buffer.from(whole.subarray(0, KEPT));
      this.#tail = Buffer.from(whole.subarray(-KEPT));
      this.#parts = [];
    } else if (part.length > 0) {
      this.#parts.push(part);
    }
  }

  #finish(): void {
    const [parts, size, head, tail] = [this.#parts, this.#size, this.#head, this.#tail];
    this.#parts = [];
    this.#size = 0;
    this.#head = undefined;
    if (head) {
      this.#handlers.onOversize(head, tail, size);
      return;
    }
    const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const end = line.length > 0 && line[line.length - 1] === 0x0d ? line.length - 1 : line.length;
    if (end > 0) this.#handlers.onLine(line.subarray(0, end));
  }
}

function tailOf(before: Buffer, part: Buffer): Buffer<ArrayBuffer> {
  if (part.length >= KEPT) return Buffer.from(part.subarray(-KEPT));
  return Buffer.concat([before, part]).subarray(-KEPT);
}

/** The message as one line. Raw line breaks inside JSON are only ever white space, so they can become blanks. */
export function toLine(message: Buffer): Buffer {
  const line = Buffer.allocUnsafe(message.length + 1);
  message.copy(line);
  line[message.length] = NEWLINE;
  for (const breaking of [NEWLINE, 0x0d]) {
    for (let at = line.indexOf(breaking); at !== -1 && at < message.length; at = line.indexOf(breaking, at + 1)) {
      line[at] = 0x20;
    }
  }
  return line;
}
