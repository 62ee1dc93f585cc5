import { type GatewayError, SILENT } from '#libs/kernel';
import type { Connection, TransportLimits, UpstreamTarget, UpstreamTransport } from '#libs/plugin';

export type TargetSettings = Partial<Omit<UpstreamTarget, 'limits'>> & { readonly limits?: Partial<TransportLimits> };

const MIB = 1024 * 1024;

/** A target with harmless settings; tests name what matters to them. */
export function testTarget(settings: TargetSettings): UpstreamTarget {
  return Object.freeze({
    name: 'subject',
    type: 'test',
    pool: 8,
    args: [],
    env: {},
    connectTimeout: 5_000,
    startTimeout: 5_000,
    options: {},
    log: SILENT,
    ...settings,
    limits: { response: 64 * MIB, event: 64 * MIB, stream: 100 * MIB, streamLifetime: 3_600_000, ...settings.limits },
  });
}

export interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A request under way. */
export interface Asked {
  /** The response, wherever it arrived; rejects with what the sink was told. */
  readonly response: Promise<Message>;
  /** Everything the request's own sink got, in order. */
  readonly own: Message[];
  readonly errors: GatewayError[];
  abandon(): void;
}

/** A connection under test with everything that arrives on it. */
export class Conversation {
  /** What the listener got, responses included. */
  readonly shared: Message[] = [];
  readonly closed: GatewayError[] = [];
  /** Limits the listener was told of, and why the connection was to be replaced. */
  readonly limits: { readonly key: string; readonly worn: GatewayError | undefined }[] = [];
  /** `sink` and `close` in the order they were told of an end. */
  readonly order: string[] = [];
  connection!: Connection;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #watchers = new Set<() => void>();
  #lastId = 0;

  static async open(
    transport: UpstreamTransport,
    target: UpstreamTarget,
    headers: Readonly<Record<string, string>> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Conversation> {
    const conversation = new Conversation();
    conversation.connection = await transport.connect(target, {
      listener: {
        onMessage: (bytes) => conversation.#take(bytes, conversation.shared),
        onClose: (error) => {
          conversation.closed.push(error);
          conversation.order.push('close');
          conversation.#changed();
        },
        onLimit: (key, worn) => {
          conversation.limits.push({ key, worn });
          conversation.#changed();
        },
      },
      headers: () => headers,
      signal,
    });
    return conversation;
  }

  /** Sends a request. `text` replaces the JSON of the whole message but for `ID`. */
  ask(method: string, params: unknown = {}, text?: string): Asked {
    const id = ++this.#lastId;
    const own: Message[] = [];
    const errors: GatewayError[] = [];
    let inside = true;
    const told = () => {
      if (inside) throw new Error('the sink was called inside send');
    };
    let handle: { abandon(): void } | undefined;
    const response = new Promise<Message>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      const body = Buffer.from(
        text?.replace('ID', String(id)) ?? JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      );
      handle = this.connection.send(
        { id, method, body },
        {
          onMessage: (bytes) => {
            told();
            this.#take(bytes, own);
          },
          onError: (error) => {
            told();
            errors.push(error);
            this.order.push('sink');
            reject(error);
            this.#changed();
          },
        },
      );
    });
    inside = false;
    response.catch(() => {});
    return { response, own, errors, abandon: () => handle?.abandon() };
  }

  /** The result of a request that must succeed. */
  async result(method: string, params: unknown = {}): Promise<Record<string, unknown>> {
    const { result, error } = await this.ask(method, params).response;
    if (!result) throw new Error(`${method} failed: ${error?.message}`);
    return result;
  }

  post(message: object): Promise<void> {
    return this.connection.post(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  }

  /** Waits until something that arrives makes the condition true. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const watch = () => {
        if (!condition()) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
    });
  }

  #take(bytes: Buffer, into: Message[]): void {
    const message = JSON.parse(bytes.toString()) as Message;
    into.push(message);
    if (message.method === undefined && typeof message.id === 'number') {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    }
    this.#changed();
  }

  #changed(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}
