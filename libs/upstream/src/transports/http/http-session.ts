import type { GatewayError } from '#libs/kernel';
import { atLeast, isModernVersion } from '#libs/mcp';
import type { ConnectionListener, ConnectOptions, CredentialRefusal, HeaderSource, UpstreamTarget } from '#libs/plugin';
import { Strays } from '../shared/strays.js';
import { subject } from '../shared/text.js';
import { headerOf, type ResponseHeaders } from './http-request.js';
import type { OriginPools } from './pools.js';
import { HeaderBase } from './request-headers.js';
import { protocolError } from './status-errors.js';

/** `L:http`: visible ASCII. Longer than any real one, far below what a header may hold. */
const SESSION_ID = /^[\x21-\x7e]{1,4096}$/;
const EVENT_ID = /^[\x20-\x7e]{1,4096}$/;

const POST_HEADERS = ['accept', 'application/json, text/event-stream', 'content-type', 'application/json'];

/** What all exchanges of one connection share. */
export class HttpSession {
  readonly source: HeaderSource;
  readonly listener: ConnectionListener;
  readonly #refused: ConnectOptions['refused'];
  /** Once there are any. */
  #strays: Strays | undefined;
  #id: string | undefined;
  #version: string | undefined;
  /** As long as id and version are what they are. */
  #postHeaders: readonly string[] | undefined;
  /** Of the latest request: most have the same. */
  #base: HeaderBase | undefined;

  constructor(
    readonly target: UpstreamTarget,
    readonly pools: OriginPools,
    { headers, listener, refused }: Pick<ConnectOptions, 'headers' | 'listener' | 'refused'>,
  ) {
    this.source = headers;
    this.listener = listener;
    this.#refused = refused;
  }

  get path(): string {
    return this.pools.path;
  }

  get id(): string | undefined {
    return this.#id;
  }

  set version(version: string) {
    this.#version = version;
    this.#postHeaders = undefined;
  }

  /** Tells of a 401. True when another credential can be had. */
  refused(refusal: CredentialRefusal): boolean {
    return this.#refused?.(refusal) ?? false;
  }

  /** Broken streams are resumed with `Last-Event-ID` in the legacy era only; a modern one has lost its request (M:http). */
  get resumes(): boolean {
    return !isModernVersion(this.#version);
  }

  /** Remembers the id the answer to `initialize` issued. Returns what is wrong with it. */
  adopt(headers: ResponseHeaders): GatewayError | undefined {
    const id = headerOf(headers, 'mcp-session-id');
    if (id === undefined) return undefined;
    if (!SESSION_ID.test(id)) return protocolError(this.target, 'issued a session id that no header can carry');
    this.#id = id;
    this.#postHeaders = undefined;
    return undefined;
  }

  postHeaders(): readonly string[] {
    this.#postHeaders ??= POST_HEADERS.concat(this.ownHeaders());
    return this.#postHeaders;
  }

  streamHeaders(lastEventId: string | undefined): string[] {
    const headers = ['accept', 'text/event-stream', ...this.ownHeaders()];
    return lastEventId === undefined ? headers : [...headers, 'last-event-id', lastEventId];
  }

  ownHeaders(): string[] {
    const headers = ['accept-encoding', 'identity', 'user-agent', 'mcp-gateway'];
    if (this.#id !== undefined) headers.push('mcp-session-id', this.#id);
    // The header exists since 2025-06-18.
    if (this.#version !== undefined && atLeast(this.#version, '2025-06-18')) {
      headers.push('mcp-protocol-version', this.#version);
    }
    return headers;
  }

  /** What requests with these headers and this credential begin with. */
  headersFor(own: readonly string[], credential: HeaderBase['credential']): HeaderBase {
    const known = this.#base;
    if (known?.own === own && known.credential === credential) return known;
    const base = new HeaderBase(own, credential);
    // Headers of one request alone would only displace those of all others.
    if (own === this.#postHeaders) this.#base = base;
    return base;
  }

  /** Something arrived that is no message: counted, and the first ones shown. */
  stray(bytes: Buffer): void {
    this.#strays ??= new Strays(subject(this.target), this.target.log);
    this.#strays.add(bytes);
  }
}

/** An event id that can be sent back, or undefined. */
export function resumable(id: string): string | undefined {
  return EVENT_ID.test(id) ? id : undefined;
}
