import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly json: any;
}

export interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[] | undefined>;
  readonly body?: unknown;
}

export const ACCEPT = 'application/json, text/event-stream';

/** One request; strings and buffers go as they are, anything else as JSON. */
export async function send(base: string, call: Call): Promise<Answer> {
  return read(await begin(base, call));
}

/** An answer whose head has come, to its end. */
export async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: text !== '' && /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : undefined,
  };
}

/** One request, up to the head of its answer. */
export async function begin(base: string, call: Call): Promise<IncomingMessage> {
  const { body } = call;
  const method = call.method ?? (body === undefined ? 'GET' : 'POST');
  const headers: Record<string, string | string[]> = { accept: ACCEPT };
  if (body !== undefined) headers['content-type'] = 'application/json';
  for (const [name, value] of Object.entries(call.headers ?? {})) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  const outgoing = request(`${base}${call.path ?? '/mcp'}`, { method, headers });
  outgoing.end(body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.once('error', () => {});
  return response;
}

/** Bytes exactly as given; resolves with everything the server sent until it closed. */
export async function raw(base: string, text: string): Promise<string> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.end(text);
  await once(socket, 'close');
  return received;
}

/** Reads messages of an event stream one by one. */
export class EventReader {
  readonly comments: string[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly #messages: any[] = [];
  readonly #waiting: (() => void)[] = [];
  #buffered = '';
  #ended = false;

  constructor(readonly response: IncomingMessage) {
    response.on('data', (chunk: Buffer) => this.#take(chunk.toString()));
    response.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** The next message; undefined when the stream ended. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  async next(): Promise<any> {
    while (this.#messages.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#messages.shift();
  }

  /** All messages up to the end of the stream. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  async rest(): Promise<any[]> {
    const all = [];
    for (let message = await this.next(); message !== undefined; message = await this.next()) all.push(message);
    return all;
  }

  close(): void {
    this.response.destroy();
  }

  #take(text: string): void {
    const events = (this.#buffered + text).split('\n\n');
    this.#buffered = events.pop() ?? '';
    for (const event of events) {
      if (event.startsWith(':')) this.comments.push(event);
      const data = event
        .split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6));
      if (data.length > 0) this.#messages.push(JSON.parse(data.join('\n')));
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
