import { randomBytes } from 'node:crypto';
import { type Answer, type Ask, ChurnMap, GatewayError, type InputRequest } from '#libs/kernel';
import { encodeNotification, encodeRequest, type ResponseMessage, sseFrame } from '#libs/mcp';

/** Where a question travels: the stream of the request it belongs to. */
export interface AskChannel {
  /** False when the message cannot be delivered. */
  send(frame: Buffer): boolean;
  /** Calls back when nothing more can be delivered. Returns the way to unsubscribe. */
  onClosed(listener: () => void): () => void;
}

const MINTED = 'gw-';
const MINTED_ID = /^gw-[0-9a-f]{8}-/;

/** Most questions one session may have open. */
const MAX_OPEN = 100;

/** Questions to one session's client that wait for their answer. An answer from another session never gets here. */
export class AskDesk {
  readonly #open = new ChurnMap<string, PendingAsk>();

  /** Ids name the asking process, so that another one knows an answer that is not for it. */
  constructor(private readonly replicaId: string) {}

  get size(): number {
    return this.#open.size;
  }

  /** Sends the question. Its answer rejects with ASK_UNDELIVERED, ASK_TIMEOUT, or CANCELLED once withdrawn. */
  ask(request: InputRequest, channel: AskChannel, timeout: number): Ask {
    const id = `${this.#prefix}${randomBytes(12).toString('base64url')}`;
    const pending = new PendingAsk(id, request, channel, () => this.#open.delete(id));
    if (this.#open.size >= MAX_OPEN) {
      pending.reject(undelivered(request, `${MAX_OPEN} questions to this client are open already`));
      return pending;
    }
    this.#open.set(id, pending);
    pending.send(timeout);
    return pending;
  }

  /** Hands a client's response to its question; false when nobody waits for it. */
  answer(response: ResponseMessage): boolean {
    const pending = typeof response.id === 'string' ? this.#open.get(response.id) : undefined;
    if (!pending) return false;
    const { result, error } = response;
    if (error) {
      const code = Number(error.get('code')?.value());
      pending.resolve({ kind: 'error', code: Number.isInteger(code) ? code : -32603, error: error.raw() });
    } else {
      pending.resolve({ kind: 'result', result: result ? result.raw() : Buffer.from('{}') });
    }
    return true;
  }

  /** Whether a response answers a question of another process. */
  isForeign({ id }: ResponseMessage): boolean {
    return typeof id === 'string' && MINTED_ID.test(id) && !id.startsWith(this.#prefix);
  }

  get #prefix(): string {
    return `${MINTED}${this.replicaId}-`;
  }

  rejectAll(reason: GatewayError): void {
    for (const pending of this.#open.values()) pending.reject(reason);
  }
}

class PendingAsk implements Ask {
  readonly answer: Promise<Answer>;
  readonly #id: string;
  readonly #request: InputRequest;
  readonly #channel: AskChannel;
  readonly #onSettled: () => void;
  #settle!: { resolve(outcome: Answer): void; reject(reason: GatewayError): void };
  #settled = false;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;

  constructor(id: string, request: InputRequest, channel: AskChannel, onSettled: () => void) {
    this.#id = id;
    this.#request = request;
    this.#channel = channel;
    this.#onSettled = onSettled;
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever withdraws a question may not look at its answer any more.
    this.answer.catch(() => {});
  }

  send(timeout: number): void {
    const { method, params } = this.#request;
    const frame = sseFrame(encodeRequest(JSON.stringify(this.#id), method, params));
    if (!this.#channel.send(frame)) {
      this.reject(undelivered(this.#request, 'it does not read a stream on the request this belongs to'));
      return;
    }
    this.#unwatch = this.#channel.onClosed(() =>
      this.reject(undelivered(this.#request, 'it closed the stream the question was sent on')),
    );
    this.#timer = setTimeout(() => this.#timedOut(timeout), timeout);
    this.#timer.unref();
  }

  resolve(outcome: Answer): void {
    if (this.#finish()) this.#settle.resolve(outcome);
  }

  reject(reason: GatewayError): void {
    if (this.#finish()) this.#settle.reject(reason);
  }

  withdraw(reason: string): void {
    if (this.#settled) return;
    this.#tellClient(reason);
    this.reject(new GatewayError('CANCELLED', `The question was withdrawn: ${reason}`));
  }

  #timedOut(timeout: number): void {
    this.#tellClient('no answer in time');
    this.reject(
      new GatewayError(
        'ASK_TIMEOUT',
        `The client did not answer ${this.#request.method} within ${Math.round(timeout / 1000)} s (server.limits.ask)`,
        { data: { server: this.#request.server } },
      ),
    );
  }

  #tellClient(reason: string): void {
    const params = JSON.stringify({ requestId: this.#id, reason });
    this.#channel.send(sseFrame(encodeNotification('notifications/cancelled', params)));
  }

  #finish(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#onSettled();
    return true;
  }
}

function undelivered(request: InputRequest, why: string): GatewayError {
  return new GatewayError('ASK_UNDELIVERED', `${request.method} did not reach the client: ${why}`, {
    data: { server: request.server },
  });
}
