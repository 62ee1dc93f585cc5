import { GatewayError } from '#libs/kernel';
import { ByteSink } from './byte-sink.js';

export interface SseEvent {
  /** `message` when the stream named none. */
  readonly event: string;
  readonly data: Buffer;
  readonly id?: string;
}

export interface SseHandlers {
  onEvent(event: SseEvent): void;
  onRetry?(milliseconds: number): void;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const NEW_LINE = Buffer.from('\n');
const EMPTY = Buffer.alloc(0);
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** An id or event name beyond this is nobody's; ids are kept and sent back as a header. */
const MAX_NAME_BYTES = 4096;

/**
 * Incremental server-sent-events reader over bytes (WHATWG HTML, 9.2): CR, LF and CRLF, multi-line data, comments,
 * ids without NUL, a BOM at the start, chunks cut anywhere. Empty-data events are delivered only when they carry an id.
 * An event's data may share memory with the chunk it came in. Handlers must not throw.
 *
 * @throws GatewayError UPSTREAM_TOO_LARGE from `push` when one event exceeds the limit; the parser is done for then,
 *   and ignores what follows
 */
export class SseParser {
  /** The part of a line that earlier chunks brought. */
  readonly #line = new ByteSink();
  /** All data lines when there are several; `#data` alone otherwise. */
  readonly #dataLines = new ByteSink();
  #data: Buffer | undefined;
  #event = '';
  #id: string | undefined;
  /** The last chunk ended in CR: a LF that comes next belongs to it. */
  #skipLineFeed = false;
  #firstLine = true;
  #failed = false;

  constructor(
    readonly maxEventBytes: number,
    readonly handlers: SseHandlers,
  ) {}

  /** An event, or a line of it, has begun and not ended. */
  get reading(): boolean {
    return this.#data !== undefined || this.#line.length > 0;
  }

  push(chunk: Buffer): void {
    if (this.#failed || chunk.length === 0) return;
    let from = this.#skipLineFeed && chunk[0] === LINE_FEED ? 1 : 0;
    this.#skipLineFeed = false;
    let lineFeed = find(chunk, LINE_FEED, from);
    let carriageReturn = find(chunk, CARRIAGE_RETURN, from);
    for (;;) {
      const end = Math.min(lineFeed, carriageReturn);
      if (end === Number.POSITIVE_INFINITY) break;
      const line = chunk.subarray(from, end);
      from = end + 1;
      if (end === carriageReturn) {
        if (from === chunk.length) this.#skipLineFeed = true;
        else if (chunk[from] === LINE_FEED) from++;
        carriageReturn = find(chunk, CARRIAGE_RETURN, from);
      }
      if (lineFeed < from) lineFeed = find(chunk, LINE_FEED, from);
      this.#endLine(line);
    }
    if (from < chunk.length) {
      this.#guard(chunk.length - from);
      this.#line.add(chunk.subarray(from));
    }
  }

  #endLine(tail: Buffer): void {
    this.#guard(tail.length);
    let line = tail;
    if (this.#line.length > 0) {
      this.#line.add(tail);
      line = this.#line.take();
    }
    if (this.#firstLine) {
      this.#firstLine = false;
      if (line.subarray(0, 3).equals(BYTE_ORDER_MARK)) line = line.subarray(3);
    }
    if (line.length === 0) this.#dispatch();
    else this.#field(line);
  }

  #field(line: Buffer): void {
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    const name = colon < 0 ? line : line.subarray(0, colon);
    if (name.length > 5) return;
    const value = colon < 0 ? EMPTY : line.subarray(line[colon + 1] === SPACE ? colon + 2 : colon + 1);
    switch (name.toString('latin1')) {
      case 'data':
        this.#addData(value);
        return;
      case 'event':
        this.#event = value.length > MAX_NAME_BYTES ? '' : value.toString();
        return;
      case 'id':
        if (!value.includes(0) && value.length <= MAX_NAME_BYTES) this.#id = value.toString();
        return;
      case 'retry':
        if (/^\d{1,9}$/.test(value.toString('latin1'))) this.handlers.onRetry?.(Number(value.toString('latin1')));
        return;
    }
  }

  #addData(value: Buffer): void {
    if (this.#data === undefined) {
      this.#data = value;
      return;
    }
    if (this.#dataLines.length === 0) this.#dataLines.add(this.#data);
    this.#dataLines.add(NEW_LINE);
    this.#dataLines.add(value);
  }

  #dispatch(): void {
    const data = this.#dataLines.length > 0 ? this.#dataLines.take() : (this.#data ?? EMPTY);
    const event = this.#event || 'message';
    const id = this.#id;
    this.#data = undefined;
    this.#event = '';
    this.#id = undefined;
    if (data.length === 0 && id === undefined) return;
    this.handlers.onEvent(id === undefined ? { event, data } : { event, data, id });
  }

  /** Refuses to hold more than one event may have, `more` bytes of the current line included. */
  #guard(more: number): void {
    const data = Math.max(this.#dataLines.length, this.#data?.length ?? 0);
    if (data + this.#line.length + more <= this.maxEventBytes) return;
    this.#failed = true;
    this.#line.clear();
    this.#dataLines.clear();
    this.#data = undefined;
    throw new GatewayError(
      'UPSTREAM_TOO_LARGE',
      `The server sent an event of more than ${this.maxEventBytes} bytes (limit: connection.limits.event)`,
    );
  }
}

function find(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}
