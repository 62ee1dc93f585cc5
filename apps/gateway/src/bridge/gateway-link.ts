import { Agent, request } from 'undici';
import { MCP_HEADERS, oneLine, SseParser } from '#libs/mcp';
import { bearer } from '../client/reach.js';

/** Where messages of the gateway go; resolves when there is room for the next one. */
export type Deliver = (message: Buffer) => Promise<void>;

/** How the gateway took a message. Messages it sent in answer were delivered before. */
export interface Reply {
  readonly status: number;
  readonly sessionId: string | undefined;
  /** The body of an answer that is neither a message nor a stream of them. */
  readonly text: string;
}

const MAX_EVENT = 64 * 1024 * 1024;
const MAX_TEXT = 64 * 1024;

/** The HTTP side: one endpoint of a gateway. It sets no time limit, since the gateway has its own. */
export class GatewayLink {
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    readonly endpoint: URL,
    readonly token: string | undefined,
  ) {
    this.#headers = bearer(token);
  }

  /** Sends one message, or a batch, and delivers what comes back. @throws when there is no answer, or it breaks off */
  async post(
    body: Buffer,
    headers: Readonly<Record<string, string>>,
    deliver: Deliver,
    signal: AbortSignal,
  ): Promise<Reply> {
    return this.#exchange(
      {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      },
      deliver,
      signal,
    );
  }

  /** Opens the stream of a session for what belongs to no request; resolves when it ends. */
  async listen(headers: Readonly<Record<string, string>>, deliver: Deliver, signal: AbortSignal): Promise<Reply> {
    return this.#exchange({ method: 'GET', headers: { accept: 'text/event-stream', ...headers } }, deliver, signal);
  }

  /** Ends a session, if the gateway can be reached. */
  async end(sessionId: string, patience: number): Promise<void> {
    const headers = { [MCP_HEADERS.sessionId]: sessionId };
    const signal = AbortSignal.timeout(patience);
    await this.#exchange({ method: 'DELETE', headers }, async () => {}, signal).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #exchange(
    what: { method: 'GET' | 'POST' | 'DELETE'; headers: Record<string, string>; body?: Buffer },
    deliver: Deliver,
    signal: AbortSignal,
  ): Promise<Reply> {
    const response = await request(this.endpoint, {
      ...what,
      headers: { ...what.headers, ...this.#headers },
      dispatcher: this.#agent,
      signal,
    });
    const { statusCode: status, headers, body } = response;
    const session = headers[MCP_HEADERS.sessionId];
    const sessionId = typeof session === 'string' ? session : undefined;
    const type = String(headers['content-type'] ?? '').toLowerCase();
    if (type.startsWith('text/event-stream')) {
      await deliverEvents(body, deliver);
      return { status, sessionId, text: '' };
    }
    const text = Buffer.concat(await collect(body, status < 300 ? MAX_EVENT : MAX_TEXT));
    if (status >= 300 || text.length === 0) return { status, sessionId, text: text.toString('utf8') };
    await deliver(oneLine(text));
    return { status, sessionId, text: '' };
  }
}

async function deliverEvents(body: AsyncIterable<Buffer>, deliver: Deliver): Promise<void> {
  const events: Buffer[] = [];
  const parser = new SseParser(MAX_EVENT, {
    onEvent: ({ event, data }) => {
      if (event === 'message' && data.length > 0) events.push(oneLine(Buffer.from(data)));
    },
  });
  for await (const chunk of body) {
    parser.push(chunk);
    // The next chunk is not read before the client took these.
    for (const event of events.splice(0)) await deliver(event);
  }
}

async function collect(body: AsyncIterable<Buffer>, limit: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) throw new Error(`the answer is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return chunks;
}
