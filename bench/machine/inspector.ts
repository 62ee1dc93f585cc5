import type { Running } from './processes.ts';

/** Start a Node with this to look into it. */
export const INSPECT = '--inspect=127.0.0.1:0';

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Forces a collection in another process and reads its heap; memory before one says little. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply;
      this.#pending.get(reply.id)?.(reply);
      this.#pending.delete(reply.id);
    });
    socket.addEventListener('close', () => {
      for (const [id, settle] of this.#pending) settle({ id, error: { message: 'the process is gone' } });
    });
  }

  static async attach(running: Running): Promise<Inspector> {
    const [, url = ''] = await running.says(/(ws:\/\/127\.0\.0\.1:\d+\/\S+)/);
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)));
    });
    return new Inspector(socket);
  }

  /** Bytes of heap and buffers in use after a collection. */
  async heapInUse(): Promise<number> {
    // Twice: what the first one finalizes the second one frees.
    await this.#send('HeapProfiler.collectGarbage');
    await this.#send('HeapProfiler.collectGarbage');
    const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
    const { result } = await this.#send<{ result: { value: number } }>('Runtime.evaluate', { expression });
    return result.value;
  }

  close(): void {
    this.#socket.close();
  }

  async #send<T>(method: string, params: object = {}): Promise<T> {
    const id = ++this.#lastId;
    const reply = await new Promise<Reply>((resolve) => {
      this.#pending.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result as T;
  }
}
