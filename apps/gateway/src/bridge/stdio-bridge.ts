import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { isObject, messageOf } from '#libs/kernel';
import { encodeError, errorObject } from '#libs/mcp';
import { causeCode, FAREWELL, noEndpointText, refusalText, unreachable } from '../client/reach.js';
import { firstLine } from '../table.js';
import type { GatewayLink, Reply } from './gateway-link.js';
import { LegacySession } from './legacy-session.js';
import { linesOf } from './lines.js';
import { type Id, isId, type Message, readMessage } from './message.js';
import { ModernHeaders } from './modern-headers.js';

export interface BridgeStreams {
  readonly input: AsyncIterable<Buffer | string>;
  /** Messages of the protocol, and nothing else. */
  readonly output: Writable;
  /** A sentence for whoever reads the host's log. */
  readonly say: (sentence: string) => void;
}

/** A request on its way. */
interface Running {
  readonly modern: boolean;
  /** Ids that are still to be answered: more than one in a batch, none when it was cancelled. */
  readonly awaited: Set<Id>;
  readonly hangUp: AbortController;
}

const LINE_END = Buffer.from('\n');

const INTERNAL = -32603;
const PARSE_ERROR = -32700;

/**
 * Serves one client over stdio and passes every message on to a gateway, and back, as the bytes they are. It knows as much of
 * MCP as the way over HTTP needs: sessions and their stream for legacy clients, headers and cancelling by hanging up for
 * modern ones.
 */
export class StdioBridge {
  readonly #over = new AbortController();
  readonly #running = new Map<Id, Running>();
  readonly #session: LegacySession;
  readonly #headers = new ModernHeaders();
  /** The latest message that later ones must not overtake. */
  #before: Promise<unknown> = Promise.resolve();
  #complaint = '';
  /** Resolves when the client has read what was written; one for all who wait for that. */
  #room: Promise<void> | undefined;

  constructor(
    private readonly link: GatewayLink,
    private readonly streams: BridgeStreams,
  ) {
    this.#session = new LegacySession(link, (message) => this.#write(message), this.#over.signal);
  }

  /** Resolves when the client has closed its side and the gateway was told. */
  async run(): Promise<void> {
    const pending = new Set<Promise<void>>();
    try {
      for await (const line of linesOf(this.streams.input)) {
        const work = this.#take(line).catch((thrown) => this.streams.say(`a message was lost: ${messageOf(thrown)}`));
        pending.add(work);
        void work.finally(() => pending.delete(work));
      }
    } finally {
      this.#over.abort();
      await Promise.allSettled(pending);
      await this.#session.close(FAREWELL);
      await this.link.close();
    }
  }

  async #take(line: Buffer): Promise<void> {
    const message = readMessage(line);
    if (!message) return this.#refuse(null, PARSE_ERROR, 'this line is no JSON-RPC message');
    if (message.method === 'notifications/cancelled' && this.#cancel(message)) return;
    const before = this.#before;
    const work = before.then(() => this.#forward(message));
    // Requests may overtake each other; what has no answer, and the opening, comes before whatever follows it.
    if (message.id === undefined || message.method === undefined || message.method === 'initialize') {
      this.#before = work.catch(() => {});
    }
    await work;
  }

  /**
   * Nobody waits for an answer any more. A modern request is cancelled by closing its stream, since that revision has no
   * message for it over HTTP; true when that was all.
   */
  #cancel({ params, modern }: Message): boolean {
    const id = params['requestId'];
    const running = isId(id) ? this.#running.get(id) : undefined;
    running?.awaited.clear();
    if (running?.modern) running.hangUp.abort();
    return running?.modern ?? modern !== undefined;
  }

  async #forward(message: Message): Promise<void> {
    const { id, method, modern } = message;
    const awaited = new Set<Id>(message.batch ?? (id !== undefined && method !== undefined ? [id] : []));
    const running: Running = { modern: modern !== undefined, awaited, hangUp: new AbortController() };
    if (id !== undefined && method !== undefined) this.#running.set(id, running);
    const signal = AbortSignal.any([running.hangUp.signal, this.#over.signal]);
    const deliver = async (answer: Buffer) => {
      for (const answered of answersIn(answer)) awaited.delete(answered);
      if (method === 'tools/list' && modern !== undefined) this.#headers.learn(answer);
      await this.#write(answer);
    };
    try {
      const reply =
        modern === undefined
          ? await this.#session.post(message, deliver, signal)
          : await this.link.post(message.bytes, this.#headers.of(message), deliver, signal);
      await this.#conclude(reply, awaited);
    } catch (thrown) {
      if (!signal.aborted) await this.#fail(thrown, awaited);
    } finally {
      if (id !== undefined && this.#running.get(id) === running) this.#running.delete(id);
    }
  }

  /** Every request gets an answer, whatever the gateway made of it. */
  async #conclude(reply: Reply, awaited: ReadonlySet<Id>): Promise<void> {
    if (reply.status < 300) {
      this.#complaint = '';
      await this.#refuseAll(awaited, INTERNAL, 'the gateway ended its answer before it was complete');
      return;
    }
    const error = errorIn(reply.text);
    const code = error && typeof error['code'] === 'number' ? error['code'] : INTERNAL;
    const said = error?.['message'] ?? saidIn(reply.text);
    const text = refusal(reply.status, typeof said === 'string' ? firstLine(said) : undefined, this.link);
    // What the gateway says of single messages is the client's business; that nobody gets in, the operator's too.
    if (reply.status === 401 || reply.status === 403 || !error) this.#complain(text);
    await this.#refuseAll(awaited, code, error ? String(said) : text, error?.['data']);
  }

  async #fail(thrown: unknown, awaited: ReadonlySet<Id>): Promise<void> {
    const { href } = this.link.endpoint;
    const gone = unreachable(thrown, href)?.message ?? `${href} did not answer: ${messageOf(thrown)}`;
    const code = causeCode(thrown);
    const mayHaveRun =
      code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? ''
        : '; what was asked may have been done';
    this.#complain(gone);
    await this.#refuseAll(awaited, INTERNAL, `${gone}${mayHaveRun}`);
  }

  /** Once per outage, not once per message. */
  #complain(sentence: string): void {
    if (sentence !== this.#complaint) this.streams.say(sentence);
    this.#complaint = sentence;
  }

  async #refuseAll(ids: ReadonlySet<Id>, code: number, text: string, data?: unknown): Promise<void> {
    for (const id of ids) await this.#refuse(id, code, text, data);
  }

  async #refuse(id: Id | null, code: number, text: string, data?: unknown): Promise<void> {
    await this.#write(encodeError(id === null ? null : JSON.stringify(id), errorObject(code, text, data)));
  }

  async #write(message: Buffer): Promise<void> {
    const { output } = this.streams;
    output.write(message);
    if (output.write(LINE_END)) return;
    this.#room ??= this.#drained();
    await this.#room;
  }

  async #drained(): Promise<void> {
    await once(this.streams.output, 'drain', { signal: this.#over.signal }).catch(() => {});
    this.#room = undefined;
  }
}

/** Ids that a message, or a batch, answers. */
function answersIn(answer: Buffer): Id[] {
  const value: unknown = JSON.parse(answer.toString('utf8'));
  const messages = Array.isArray(value) ? value : [value];
  return messages.flatMap((one) => (isObject(one) && !('method' in one) && isId(one['id']) ? [one['id']] : []));
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The JSON-RPC error in a refusal. */
function errorIn(text: string): Readonly<Record<string, unknown>> | undefined {
  const { error } = parsed(text);
  return isObject(error) ? error : undefined;
}

/** What OAuth's way of refusing says. */
function saidIn(text: string): unknown {
  return parsed(text)['error_description'];
}

function refusal(status: number, said: string | undefined, { endpoint: { href: url }, token }: GatewayLink): string {
  if (status === 404) return noEndpointText(url);
  const why = said === undefined ? '' : `: ${said}`;
  return refusalText(status, said, { url, token }) ?? `${url} refuses (HTTP ${status})${why}`;
}
