import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  readonly status: number;
  /** By name in lower case; the last of several. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Milliseconds an answer may take. Nothing thrown here needs a hundredth of it, on a machine that has nothing else to do. */
const PATIENCE = 10_000;
/** Milliseconds a stream may go on that should have an end. */
const STREAM = 500;

/** A connection that is kept as long as the server keeps it, and spoken on byte for byte. */
export class Wire {
  readonly #port: number;
  #socket: Socket | undefined;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};
  /** How many connections it took. */
  connections = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Sends one request and reads its answer. A stream is read to its end; one that has none, as the caller says or as it turns
   * out, is left.
   */
  async ask(bytes: Buffer, endless = false): Promise<WireAnswer> {
    // The server may have closed an idle connection just now; that is no answer.
    for (let attempt = 1; ; attempt++) {
      const socket = await this.#open();
      const reused = this.#received.length === 0 && socket.bytesWritten > 0;
      socket.write(bytes);
      const answer = await this.#answer(endless);
      if (answer) {
        if (answer.headers.get('connection') === 'close' || isStream(answer)) this.close();
        return answer;
      }
      this.close();
      if (!reused || attempt > 1) throw new Error('the connection closed without an answer');
    }
  }

  /** Sends anything, says that nothing follows, and reads whatever comes until the server closes. */
  async finish(bytes: Buffer): Promise<readonly WireAnswer[]> {
    this.close();
    (await this.#open()).end(bytes);
    const answers: WireAnswer[] = [];
    for (let answer = await this.#answer(true); answer; answer = await this.#answer(true)) {
      answers.push(answer);
      if (isStream(answer)) break;
    }
    this.close();
    return answers;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    if (this.#socket && !this.#ended && this.#received.length === 0) return this.#socket;
    this.close();
    this.connections++;
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.#received = Buffer.alloc(0);
    this.#ended = false;
    socket.on('data', (chunk) => {
      if (this.#socket !== socket) return;
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const over = () => {
      if (this.#socket !== socket) return;
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', over).on('close', over).on('error', over);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  }

  /** The next answer; undefined when the connection ends before one. */
  async #answer(endless: boolean): Promise<WireAnswer | undefined> {
    let end = performance.now() + PATIENCE;
    let stream: WireAnswer | undefined;
    for (;;) {
      const read = readAnswer(this.#received, this.#ended);
      if (read) {
        this.#received = this.#received.subarray(read.length);
        if (read.answer.status >= 200) return read.answer;
        continue;
      }
      if (!stream) {
        stream = streamHead(this.#received);
        if (stream && endless) return stream;
        if (stream) end = performance.now() + STREAM;
      }
      if (this.#ended) return stream;
      const left = end - performance.now();
      if (left <= 0 && stream) return stream;
      if (left <= 0) throw new Error(`no answer within ${PATIENCE / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

const isStream = ({ headers }: WireAnswer): boolean => headers.get('content-type') === 'text/event-stream';

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Where the body begins. */
  readonly from: number;
}

function readHead(bytes: Buffer): Head | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [line = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(line)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(line)}`);
  const headers = new Map<string, string>();
  for (const it of lines) {
    const colon = it.indexOf(':');
    if (colon < 1) throw new Error(`no header line: ${JSON.stringify(it)}`);
    headers.set(it.slice(0, colon).toLowerCase(), it.slice(colon + 1).trim());
  }
  return { status, headers, from: headEnd + 4 };
}

/** The head of an event stream, when it is there. */
function streamHead(bytes: Buffer): WireAnswer | undefined {
  const head = readHead(bytes);
  const answer = head && { ...head, body: '' };
  return answer && isStream(answer) ? answer : undefined;
}

/** One answer at the start of the bytes, when it is there as a whole. */
function readAnswer(bytes: Buffer, ended: boolean): { answer: WireAnswer; length: number } | undefined {
  const head = readHead(bytes);
  if (!head) return undefined;
  const { status, headers, from } = head;
  const whole = (body: string, to: number) => ({ answer: { status, headers, body }, length: to });
  if (status < 200 || status === 204 || status === 304) return whole('', from);
  const length = headers.get('content-length');
  if (length !== undefined) {
    const to = from + Number(length);
    // An answer to HEAD has a length and no body; nothing can follow it but the end.
    if (bytes.length < to) return ended ? whole(bytes.toString('utf8', from), bytes.length) : undefined;
    return whole(bytes.toString('utf8', from, to), to);
  }
  if (headers.get('transfer-encoding') === 'chunked') return chunked(bytes, from, whole);
  return ended ? whole(bytes.toString('utf8', from), bytes.length) : undefined;
}

function chunked<T>(bytes: Buffer, from: number, whole: (body: string, to: number) => T): T | undefined {
  const pieces: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error('no chunk size in an answer');
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return whole(Buffer.concat(pieces).toString('utf8'), next);
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}
