import type { ServerResponse } from 'node:http';
import type { OutboundNotification } from '#libs/kernel';
import {
  encodeNotification,
  encodeResult,
  inOne,
  SSE_KEEP_ALIVE,
  sseFrame,
  withResultMembers,
  withSubscriptionId,
} from '#libs/mcp';
import type { ListenWish } from '#libs/proxy';
import { openEndless } from '../http/answers.js';
import type { Lease } from '../streams/leases.js';
import type { Room } from '../streams/stream-buffer.js';
import type { EndlessStream } from '../streams/stream-registry.js';
import { wanted, wishJson } from './listen-wish.js';

/** Where a listen stream is written, and for how long and how much it may be. */
export interface ListenResponse {
  readonly res: ServerResponse;
  readonly lease: Lease;
  readonly room: Room;
}

const NOTHING: ListenWish = {
  toolsListChanged: false,
  promptsListChanged: false,
  resourcesListChanged: false,
  resourceSubscriptions: [],
};

/**
 * A modern client's `subscriptions/listen` (M:subs): the acknowledgement first, then what was honoured and nothing else,
 * every message under the request's id, and an empty result when the gateway ends it.
 */
export class ListenStream implements EndlessStream {
  readonly #res: ServerResponse;
  readonly #idJson: string;
  readonly #serverInfo: string;
  readonly #lease: Lease;
  readonly #room: Room;
  readonly #onClosed: () => void;
  /** What happened before the acknowledgement; a change that is told twice is told once. */
  readonly #early = new Map<string, OutboundNotification>();
  #honoured: ListenWish | undefined;
  #quiet = 0;
  #ended = false;

  constructor(response: ListenResponse, idJson: string, serverInfo: string, onClosed: () => void) {
    const { res, lease, room } = response;
    this.#res = res;
    this.#room = room;
    this.#idJson = idJson;
    this.#serverInfo = serverInfo;
    this.#lease = lease;
    this.#onClosed = onClosed;
    res.once('close', () => this.#close());
    openEndless(res);
  }

  get ended(): boolean {
    return this.#ended;
  }

  acknowledge(honoured: ListenWish): void {
    if (this.#ended || this.#honoured) return;
    this.#honoured = honoured;
    const params = Buffer.from(`{"notifications":${wishJson(honoured)}}`);
    this.#send({ method: 'notifications/subscriptions/acknowledged', params });
    for (const notification of this.#early.values()) this.deliver(notification);
    this.#early.clear();
  }

  deliver(notification: OutboundNotification): void {
    if (!this.#lease.valid) this.end();
    if (this.#ended) return;
    if (!this.#honoured) this.#early.set(`${notification.method} ${notification.params ?? ''}`, notification);
    else if (wanted(this.#honoured, notification)) this.#send(notification);
  }

  tick(): void {
    if (++this.#quiet < 3) return;
    this.#quiet = 0;
    if (!this.#ended && this.#res.writableLength === 0) this.#res.write(SSE_KEEP_ALIVE);
  }

  /** Nothing more will come: an empty result, then the end of the stream. */
  end(): void {
    if (this.#ended) return;
    this.acknowledge(NOTHING);
    const result = withResultMembers(Buffer.from('{}'), { resultType: 'complete', serverInfo: this.#serverInfo });
    this.finish(inOne(encodeResult(this.#idJson, withSubscriptionId(inOne(result), this.#idJson))));
  }

  /** The last message of the stream. */
  finish(message: Buffer): void {
    if (this.#ended) return;
    this.#close();
    this.#res.end(sseFrame(message));
  }

  #send({ method, params }: OutboundNotification): void {
    this.#quiet = 0;
    this.#res.write(sseFrame(encodeNotification(method, withSubscriptionId(params, this.#idJson))));
    if (!this.#room.hasRoom(this.#res)) this.#res.destroy();
  }

  #close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lease.release();
    this.#early.clear();
    this.#onClosed();
  }
}
