import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Bytes, inOne, SSE_KEEP_ALIVE, sseFrame } from '#libs/mcp';
import { type HttpAnswer, openStream, sendEmpty, sendJson } from '../http/answers.js';
import { depart, type Sender } from '../http/departures.js';
import type { Accepted } from '../http/post-headers.js';
import type { AskChannel } from '../legacy/ask-desk.js';
import type { OpenReply, StreamRegistry } from './stream-registry.js';

/** Milliseconds after which a client that takes nothing more of its finished answer is given up. */
const STALL = 60_000;

/** What a POST holds; by default one request, and nothing else. */
export interface ReplyParts {
  /** Answer with a JSON array. */
  readonly batch: boolean;
  /** How many requests there are. */
  readonly requests: number;
  /** Default: a minute. */
  readonly stall?: number;
}

/**
 * The answer to one POST. It starts as JSON and becomes an SSE stream with the first message that has to travel before
 * the last response, or after a while of silence, so that nothing between here and the client gives up on it. While a slow client
 * has too much unread, messages to it are dropped; responses never are.
 */
export class PostReply implements AskChannel, OpenReply, Sender {
  seat = -1;
  readonly #res: ServerResponse;
  readonly #accepted: Accepted;
  readonly #parts: ReplyParts;
  readonly #registry: StreamRegistry;
  #outstanding: number;
  #streaming = false;
  #closed = false;
  #quiet = 0;
  #collected: Buffer[] | undefined;
  /** Few: a call in flight has one. */
  #watchers: (() => void)[] | undefined;

  constructor(res: ServerResponse, accepted: Accepted, registry: StreamRegistry, parts: ReplyParts = SINGLE) {
    this.#res = res;
    this.#accepted = accepted;
    this.#registry = registry;
    this.#parts = parts;
    this.#outstanding = parts.requests;
    registry.add(this);
    // It closes once, and a listener that takes itself away costs more.
    res.on('close', () => this.#gone());
  }

  /** False when the message cannot travel: the client takes no stream, is gone, or reads too slowly. */
  send(frame: Buffer): boolean {
    if (this.#closed || !this.#registry.hasRoom(this.#res) || !this.#startStream()) return false;
    this.#quiet = 0;
    this.#res.write(frame);
    return true;
  }

  /** True while the client has not read what was written; then `resume` is called once it has, or is gone. */
  crowded(resume: () => void): boolean {
    if (this.#closed || !this.#res.writableNeedDrain) return false;
    const done = () => {
      this.#res.off('drain', done);
      stop();
      resume();
    };
    this.#res.on('drain', done);
    const stop = this.onClosed(done);
    return true;
  }

  onClosed(listener: () => void): () => void {
    if (this.#watchers) this.#watchers.push(listener);
    else this.#watchers = [listener];
    return () => this.#unwatch(listener);
  }

  #unwatch(listener: () => void): void {
    const index = this.#watchers?.indexOf(listener) ?? -1;
    if (index >= 0) this.#watchers?.splice(index, 1);
  }

  /** One request's response. What HTTP has to say of it counts only while the answer is still a single message. */
  answer(message: Bytes, http: HttpAnswer = OK): void {
    const { status, headers, body = message } = http;
    this.#outstanding--;
    if (this.#closed) return;
    if ((!this.#accepted.json || this.#accepted.streamFirst) && status === 200) this.#startStream(headers);
    if (!this.#streaming && !this.#parts.batch) {
      this.#close();
      sendJson(this.#res, status, body, headers, this);
      return;
    }
    const event = this.#streaming ? sseFrame(inOne(message)) : undefined;
    if (!event) this.#collect(inOne(message));
    else if (this.#outstanding > 0) this.#res.write(event);
    this.#endWhenComplete(event);
  }

  /** One request that gets no response: it was cancelled. */
  skip(): void {
    this.#outstanding--;
    if (!this.#closed) this.#endWhenComplete();
  }

  tick(): void {
    if (this.#closed || ++this.#quiet < 3) return;
    this.#quiet = 0;
    if (this.#startStream() && this.#res.writableLength === 0) this.#res.write(SSE_KEEP_ALIVE);
  }

  /** `last`: the event that a stream ends with. */
  #endWhenComplete(last?: Buffer): void {
    if (this.#outstanding > 0) return;
    this.#close();
    if (this.#streaming) depart(this.#res, last, this);
    else if (this.#collected) sendJson(this.#res, 200, jsonArray(this.#collected), undefined, this);
    else sendEmpty(this.#res, 202, undefined, this);
  }

  #startStream(headers?: OutgoingHttpHeaders): boolean {
    if (this.#streaming) return true;
    if (!this.#accepted.stream) return false;
    this.#streaming = true;
    openStream(this.#res, headers);
    for (const message of this.#collected ?? []) this.#res.write(sseFrame(message));
    this.#collected = undefined;
    return true;
  }

  #collect(message: Buffer): void {
    this.#collected ??= [];
    this.#collected.push(message);
  }

  /** What the client does not read lies in memory; a socket that stands still is destroyed with it. */
  handedOver(): void {
    this.#registry.remove(this);
    if (this.#res.writableLength === 0) return;
    this.#registry.unread(this.#res);
    this.#res.setTimeout(this.#parts.stall ?? STALL);
  }

  #gone(): void {
    this.#close();
    this.#registry.remove(this);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (watchers) for (const watcher of watchers) watcher();
  }
}

function jsonArray(messages: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const message of messages) parts.push(parts.length === 0 ? OPEN : COMMA, message);
  parts.push(CLOSE);
  return Buffer.concat(parts);
}

const SINGLE: ReplyParts = { batch: false, requests: 1 };
const OK: HttpAnswer = { status: 200 };
const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');
