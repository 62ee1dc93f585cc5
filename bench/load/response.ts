/** One HTTP response, whole. */
export interface Response {
  readonly status: number;
  /** Status line and headers as they came. */
  readonly head: string;
  readonly body: Buffer;
  /** The server will take no more requests on this connection. */
  readonly last: boolean;
}

/** A header's value, case kept; names are matched in lower case. */
export function headerOf(response: Response, name: string): string | undefined {
  return valueIn(response.head, response.head.toLowerCase(), name);
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

type State = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'close';

/**
 * Reads responses from the bytes of a connection. What it hands out is its own copy: the caller may use the same buffer
 * for every read.
 */
export class ResponseParser {
  readonly #done: (response: Response) => void;
  #state: State = 'head';
  /** Bytes of a head or a line that is not complete yet. */
  #pending: Buffer = NOTHING;
  #status = 0;
  #head = '';
  #last = false;
  #parts: Buffer[] = [];
  /** Of the body, or of the chunk. */
  #missing = 0;

  constructor(done: (response: Response) => void) {
    this.#done = done;
  }

  /** @throws Error on what is no HTTP/1.1 response */
  feed(bytes: Buffer): void {
    let chunk = bytes;
    if (this.#pending.length > 0) {
      chunk = Buffer.concat([this.#pending, bytes]);
      this.#pending = NOTHING;
    }
    let at = 0;
    while (at < chunk.length) {
      const next = this.#step(chunk, at);
      if (next === undefined) {
        this.#pending = Buffer.from(chunk.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** The connection was closed. @returns whether that completed a response */
  end(): boolean {
    if (this.#state !== 'close') return false;
    this.#finish();
    return true;
  }

  /** Takes one piece; undefined when more bytes are needed for it. */
  #step(chunk: Buffer, at: number): number | undefined {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(chunk, at);
      case 'length':
      case 'chunk':
        return this.#takeBody(chunk, at);
      case 'close':
        this.#parts.push(Buffer.from(chunk.subarray(at)));
        return chunk.length;
      default:
        return this.#takeLine(chunk, at);
    }
  }

  #takeHead(chunk: Buffer, at: number): number | undefined {
    const end = chunk.indexOf(HEAD_END, at);
    if (end < 0) return undefined;
    this.#head = chunk.toString('latin1', at, end + 2);
    if (!this.#head.startsWith('HTTP/1.1 ')) throw new Error(`no HTTP response: ${this.#head.slice(0, 80)}`);
    this.#status = Number(this.#head.slice(9, 12));
    const lower = this.#head.toLowerCase();
    const length = valueIn(this.#head, lower, 'content-length');
    this.#last = valueIn(this.#head, lower, 'connection')?.toLowerCase() === 'close';
    if (this.#status === 204 || this.#status === 304) this.#finish();
    else if (length !== undefined) this.#expect(Number(length));
    else if (valueIn(this.#head, lower, 'transfer-encoding') === 'chunked') this.#state = 'chunk-size';
    else this.#state = 'close';
    return end + HEAD_END.length;
  }

  #expect(bytes: number): void {
    this.#missing = bytes;
    this.#state = 'length';
    if (bytes === 0) this.#finish();
  }

  #takeBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    this.#parts.push(Buffer.from(chunk.subarray(at, end)));
    this.#missing -= end - at;
    if (this.#missing === 0) {
      if (this.#state === 'length') this.#finish();
      else this.#state = 'chunk-end';
    }
    return end;
  }

  #takeLine(chunk: Buffer, at: number): number | undefined {
    const end = chunk.indexOf(LINE_END, at);
    if (end < 0) return undefined;
    if (this.#state === 'trailer') {
      if (end === at) this.#finish();
    } else if (this.#state === 'chunk-end') {
      this.#state = 'chunk-size';
    } else {
      const size = Number.parseInt(chunk.toString('latin1', at, end), 16);
      if (Number.isNaN(size)) throw new Error('no size of a chunk');
      this.#missing = size;
      this.#state = size === 0 ? 'trailer' : 'chunk';
    }
    return end + LINE_END.length;
  }

  #finish(): void {
    const [first = NOTHING] = this.#parts;
    const body = this.#parts.length > 1 ? Buffer.concat(this.#parts) : first;
    this.#parts = [];
    this.#state = 'head';
    this.#done({ status: this.#status, head: this.#head, body, last: this.#last });
  }
}

function valueIn(head: string, lower: string, name: string): string | undefined {
  const at = lower.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const from = at + name.length + 3;
  return head.slice(from, head.indexOf('\r\n', from)).trim();
}
