import type { ServerResponse } from 'node:http';
import { type Behaviour, honest } from './exchange.js';

const FILLER = 'x'.repeat(8_000);

/** Reports progress as fast as its peer takes it, then answers. Only calls whose arguments have `flood`, in bytes. */
export class Flood {
  /** Floods that wait for their peer to read. */
  stalled = 0;
  /** Floods under way. */
  open = 0;

  readonly behaviour: Behaviour = (exchange) => {
    const { message, response, right } = exchange;
    const size = Number(message.params?.arguments?.['flood'] ?? 0);
    if (size === 0) return honest(exchange);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const progressToken = message.params?._meta?.progressToken;
    void this.#pour(response, Math.ceil(size / FILLER.length), (progress) => {
      const params = { progressToken, progress, message: FILLER };
      return `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`;
    }).then(() => response.end(`data: ${right}\n\n`));
  };

  async #pour(response: ServerResponse, events: number, event: (count: number) => string): Promise<void> {
    this.open += 1;
    for (let count = 1; count <= events && !response.destroyed; count++) {
      if (response.write(event(count))) continue;
      this.stalled += 1;
      await new Promise<void>((resolve) => {
        const go = () => {
          response.off('drain', go).off('close', go);
          resolve();
        };
        response.on('drain', go).on('close', go);
      });
      this.stalled -= 1;
    }
    this.open -= 1;
  }
}

/** How many events a flood of so many bytes has. */
export function eventsOf(size: number): number {
  return Math.ceil(size / FILLER.length);
}
