import { connect, type Socket } from 'node:net';
import { modernBody, modernHeaders } from '../../support/modern.js';
import { RawSession } from '../../support/raw.js';
import type { Order } from '../ledger/call.js';
import { toolOf } from './client.js';

const ELICITS = { elicitation: { form: {} } };
const TYPES = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export type Era = 'legacy' | 'modern';
export const ERAS: readonly Era[] = ['legacy', 'modern'];

/** A request as it lies on the wire: its head with the empty line, and its body. */
export interface Wire {
  readonly head: string;
  readonly body: string;
}

/** Bytes of requests of one client, for those who send them in other ways than any HTTP client would. It can be asked. */
export class Letters {
  readonly #url: URL;
  readonly #session: RawSession | undefined;

  private constructor(url: string, session: RawSession | undefined) {
    this.#url = new URL(url);
    this.#session = session;
  }

  /** A session where the era has any. */
  static async open(era: Era, url: string): Promise<Letters> {
    const session = era === 'legacy' ? await RawSession.open(url, { capabilities: ELICITS }) : undefined;
    return new Letters(url, session);
  }

  /** Those of a client of each era. */
  static async ofBoth(url: string): Promise<Readonly<Record<Era, Letters>>> {
    return { legacy: await Letters.open('legacy', url), modern: await Letters.open('modern', url) };
  }

  /** The id of the request is the nonce. `more`: further arguments. */
  call(order: Order, more: object = {}): Wire {
    const { name, arguments: args } = toolOf(order);
    const params = { name, arguments: { ...args, ...more } };
    const _meta = { progressToken: order.nonce };
    const session = this.#session;
    if (!session) {
      const body = modernBody('tools/call', params, { id: order.nonce, capabilities: ELICITS, meta: _meta });
      return this.#wire('POST', { ...TYPES, ...modernHeaders('tools/call', params) }, body);
    }
    const message = { jsonrpc: '2.0', id: order.nonce, method: 'tools/call', params: { ...params, _meta } };
    return this.#wire('POST', { ...TYPES, ...session.headers }, JSON.stringify(message));
  }

  /** Opens the stream on which a client of the era hears of changes. */
  listen(): Wire {
    if (this.#session) return this.#wire('GET', { accept: 'text/event-stream', ...this.#session.headers }, '');
    const params = { notifications: { toolsListChanged: true } };
    const method = 'subscriptions/listen';
    return this.#wire('POST', { ...TYPES, ...modernHeaders(method, params) }, modernBody(method, params));
  }

  #wire(method: string, headers: Record<string, string>, body: string): Wire {
    const length = method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
    const lines = Object.entries({ host: this.#url.host, ...headers, ...length }).map(
      ([key, value]) => `${key}: ${value}`,
    );
    return { head: `${method} ${this.#url.pathname} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, body };
  }
}

/** A connection on which what comes is heard, and errors are nobody's business. */
export class Line {
  readonly socket: Socket;
  /** What came, as Latin-1. */
  heard = '';
  closed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket
      .on('error', () => {})
      .on('close', () => {
        this.closed = true;
      });
    this.socket.on('data', (bytes: Buffer) => {
      this.heard += bytes.toString('latin1');
    });
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Goes away: politely, or with an RST. */
  leave(rudely: boolean): void {
    if (rudely) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }
}
