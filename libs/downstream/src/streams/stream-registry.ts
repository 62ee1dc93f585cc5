import type { ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { Roster, type Seated } from '#libs/kernel';
import type { Outlet } from '../http/outlet.js';
import { type Buffers, StreamBuffer } from './stream-buffer.js';

/** Something that is open towards a client and must not look dead. */
export interface OpenStream {
  /** Called every 5 seconds. */
  tick(): void;
}

/** The answer to a request: there are many, and not for long. */
export interface OpenReply extends OpenStream, Seated {}

/** A stream that ends only when somebody ends it. */
export interface EndlessStream extends OpenStream {
  end(): void;
}

const TICK = 5_000;

/** Everything open towards clients. One timer keeps all of it alive; it runs only while something is open. */
@Injectable()
export class StreamRegistry implements Buffers {
  constructor(@Inject(StreamBuffer) private readonly buffer: Buffers) {}

  readonly #replies = new Roster<OpenReply>();
  readonly #streams = new Set<EndlessStream>();
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  /** Open GET streams. */
  get streams(): number {
    return this.#streams.size;
  }

  /** POSTs that wait for their answer, and those being answered with a stream. */
  get replies(): number {
    return this.#replies.size;
  }

  /** True after `endAll`: what opens now has to end at once, so that its client opens it where it can stay. */
  get draining(): boolean {
    return this.#draining;
  }

  hasRoom(response: Pick<Outlet, 'writableLength'>): boolean {
    return this.buffer.hasRoom(response);
  }

  unread(response: ServerResponse): void {
    this.buffer.unread(response);
  }

  add(reply: OpenReply): void {
    this.#replies.add(reply);
    this.#start();
  }

  remove(reply: OpenReply): void {
    this.#replies.remove(reply);
  }

  addStream(stream: EndlessStream): void {
    this.#streams.add(stream);
    this.#start();
  }

  removeStream(stream: EndlessStream): void {
    this.#streams.delete(stream);
  }

  /** Ends the streams that would never end by themselves; requests in flight get their answer. */
  endAll(): void {
    this.#draining = true;
    for (const stream of [...this.#streams]) stream.end();
  }

  #start(): void {
    this.#timer ??= setInterval(() => this.#tick(), TICK).unref();
  }

  #tick(): void {
    if (this.#replies.size === 0 && this.#streams.size === 0) this.stop();
    for (const reply of this.#replies.all()) reply.tick();
    for (const stream of [...this.#streams]) stream.tick();
  }

  /** Stops the timer; whatever opens next starts it again. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
