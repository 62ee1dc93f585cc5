import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** The sessions this upstream has handed out, each with the streams that stand open. */
export class UpstreamSessions {
  readonly #open = new Map<string, Set<ServerResponse>>();

  open(): string {
    const id = randomUUID();
    this.#open.set(id, new Set());
    return id;
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  holdStream(id: string, stream: ServerResponse): void {
    this.#open.get(id)?.add(stream);
    stream.on('close', () => this.#open.get(id)?.delete(stream));
  }

  close(id: string): void {
    for (const stream of this.#open.get(id) ?? []) stream.end();
    this.#open.delete(id);
  }
}
