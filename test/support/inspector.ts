import { type Running, untilOutput } from './processes.js';

/** A look into a process that was started with `--inspect=127.0.0.1:0`. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const { id, result, error } = JSON.parse(String(data)) as {
        id: number;
        result: never;
        error?: { message: string };
      };
      const waiting = this.#pending.get(id);
      this.#pending.delete(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
    };
    socket.onclose = () => {
      for (const { reject } of this.#pending.values()) reject(new Error('the inspected process is gone'));
    };
  }

  static async attach(running: Running): Promise<Inspector> {
    const [, url = ''] = await untilOutput(running, /(ws:\/\/127\.0\.0\.1:\d+\/\S+)/);
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`no inspector at ${url}`));
    });
    return new Inspector(socket);
  }

  async #send<T>(method: string, params: object = {}): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: never) => void, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Bytes of heap in use after a forced collection. */
  async heap(): Promise<number> {
    await this.#send('HeapProfiler.collectGarbage');
    const { usedSize } = await this.#send<{ usedSize: number }>('Runtime.getHeapUsage');
    return usedSize;
  }

  /** Bytes in use after a forced collection: of the heap, and of what it holds outside of it (buffers). */
  async memory(): Promise<{ readonly heap: number; readonly external: number }> {
    // Twice: what the first one finalizes the second one frees.
    await this.#send('HeapProfiler.collectGarbage');
    const heap = await this.heap();
    const { result } = await this.#send<{ result: { value: number } }>('Runtime.evaluate', {
      expression: 'process.memoryUsage().external',
    });
    return { heap, external: result.value };
  }

  /** How many of each kind of resource keep the event loop busy. */
  async resources(): Promise<Record<string, number>> {
    const expression = `JSON.stringify(process.getActiveResourcesInfo())`;
    const { result } = await this.#send<{ result: { value: string } }>('Runtime.evaluate', { expression });
    const counts: Record<string, number> = {};
    for (const kind of JSON.parse(result.value) as string[]) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  /** Keeps the process from doing anything else for so many milliseconds. */
  async block(milliseconds: number): Promise<void> {
    const expression = `{ const end = Date.now() + ${milliseconds}; while (Date.now() < end); }`;
    await this.#send('Runtime.evaluate', { expression });
  }

  close(): void {
    this.#socket.close();
  }
}
