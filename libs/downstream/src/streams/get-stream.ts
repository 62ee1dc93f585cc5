import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SSE_KEEP_ALIVE } from '#libs/mcp';
import { openEndless } from '../http/answers.js';
import type { Writer } from '../http/last-request.js';
import type { Outlet } from '../http/outlet.js';
import type { AskChannel } from '../legacy/ask-desk.js';
import type { Lease } from './leases.js';
import type { Room } from './stream-buffer.js';
import type { EndlessStream } from './stream-registry.js';

/**
 * When the gateway ends a stream: milliseconds after which the client is to open it anew. Official clients try twice, by
 * themselves after one second; this way they outlast a restart.
 */
const AGAIN = Buffer.from('retry: 3000\n\n');

/** A legacy client's standalone stream: for what belongs to no request. No event ids, so nothing to resume. */
export abstract class GetStream implements EndlessStream, AskChannel, Writer {
  #out: Outlet;
  readonly #room: Room;
  #lease: Lease | undefined;
  /** Only while a question is open. */
  #watchers: Set<() => void> | undefined;
  #quiet = 0;
  #ended = false;

  constructor(res: ServerResponse, room: Room) {
    this.#out = res;
    this.#room = room;
    res.on('close', () => this.#close());
    openEndless(res, this);
  }

  moved(outlet: Outlet, socket: Socket): void {
    this.#out = outlet;
    socket.on('close', () => this.#close());
  }

  /** Nothing more will be sent. Called once. */
  protected abstract closed(): void;

  /** It is open for as long as this is valid. */
  hold(lease: Lease): void {
    this.#lease = lease;
  }

  send(frame: Buffer): boolean {
    if (!this.#ended && this.#lease?.valid !== true) this.end();
    if (this.#ended) return false;
    this.#quiet = 0;
    this.#out.write(frame);
    if (this.#room.hasRoom(this.#out)) return true;
    this.#out.destroy();
    return false;
  }

  onClosed(listener: () => void): () => void {
    this.#watchers ??= new Set();
    this.#watchers.add(listener);
    return () => this.#watchers?.delete(listener);
  }

  tick(): void {
    if (++this.#quiet < 3) return;
    this.#quiet = 0;
    if (!this.#ended && this.#out.writableLength === 0) this.#out.write(SSE_KEEP_ALIVE);
  }

  end(): void {
    if (this.#ended) return;
    this.#close();
    this.#out.end(AGAIN);
  }

  #close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lease?.release();
    this.closed();
    for (const watcher of [...(this.#watchers ?? [])]) watcher();
    this.#watchers = undefined;
  }
}
