import type { Outcome } from '#libs/kernel';
import {
  CACHEABLE_METHODS,
  Draft,
  encodeHeaderValue,
  HOP_META_KEYS,
  type JsonView,
  legacyResultOf,
  MCP_HEADERS,
  MODERN_META,
  namedMember,
} from '#libs/mcp';
import type { Forwarded } from '../../credentials/forwarded-headers.js';
import { capabilitiesOf, NO_CAPABILITIES } from '../capabilities.js';
import { ownMeta } from '../own-meta.js';
import type { SessionRequest } from '../upstream-session.js';
import { freshnessOf } from './discovered.js';

type Headers = Readonly<Record<string, string>>;

/** What goes out for one request. */
export interface Outgoing {
  readonly params: Draft;
  readonly headers: Headers;
}

export interface CodecOptions {
  /** The upstream's configured name. */
  readonly server: string;
  /** Version the gateway gives itself in `clientInfo`. */
  readonly gatewayVersion: string;
  readonly version: string;
  /** Headers of a caller's own request that go along. */
  readonly forwarded?: Forwarded | undefined;
}

const EMPTY = Draft.of(Buffer.from('{}'));

/**
 * How requests and results of this era are spelled: the envelope in `_meta` (M:base), the headers that repeat it (M:http), the
 * members that say what a result is.
 */
export class ModernCodec {
  readonly #server: string;
  readonly #clientInfo: string;
  readonly #forwarded: Forwarded | undefined;
  #version: string;
  /** Of every request, up to the capabilities. */
  #envelope = '';

  constructor({ forwarded, gatewayVersion, server, version }: CodecOptions) {
    this.#server = server;
    this.#clientInfo = JSON.stringify({ name: 'mcp-gateway', version: gatewayVersion });
    this.#forwarded = forwarded;
    this.#version = version;
    this.version = version;
  }

  get version(): string {
    return this.#version;
  }

  set version(version: string) {
    this.#version = version;
    this.#envelope =
      `"${MODERN_META.protocolVersion}":${JSON.stringify(version)},` +
      `"${MODERN_META.clientInfo}":${this.#clientInfo},"${MODERN_META.clientCapabilities}":`;
  }

  /** `hasHeaders`: the transport has headers of its own for each request. */
  write(request: SessionRequest, id: number, hasHeaders: boolean, paramHeaders: Headers | undefined): Outgoing {
    const { caller, params = EMPTY } = request;
    const exchange = caller?.exchange;
    const level = caller?.logLevel;
    const { modernJson } = exchange ? capabilitiesOf(exchange.client) : NO_CAPABILITIES;
    let envelope = this.#envelope + modernJson;
    if (level !== undefined) envelope += `,"${MODERN_META.logLevel}":${JSON.stringify(level)}`;
    const meta = exchange
      ? ownMeta(id, hasHeaders ? undefined : exchange.id, `${envelope},`)
      : { remove: HOP_META_KEYS, add: envelope };
    return {
      params: params.with({ meta }),
      headers: hasHeaders ? this.#headers(request, paramHeaders) : NO_HEADERS,
    };
  }

  #headers({ caller, method, params }: SessionRequest, paramHeaders: Headers | undefined): Headers {
    const exchange = caller?.exchange;
    const forwarded = exchange && this.#forwarded?.(exchange.headers);
    // First, so that whatever the gateway says itself stays.
    const headers: Record<string, string> = forwarded ? { ...forwarded } : {};
    if (exchange) {
      headers['x-request-id'] = exchange.id;
      if (exchange.traceparent !== undefined) headers['traceparent'] = exchange.traceparent;
    }
    if (paramHeaders) Object.assign(headers, paramHeaders);
    headers[MCP_HEADERS.method] = method;
    const member = namedMember(method);
    const name = member && params?.string(member);
    if (name !== undefined) headers[MCP_HEADERS.name] = encodeHeaderValue(name);
    return headers;
  }

  /** A result in the terms of whom it is for. What does not say that it is complete is not a result yet. */
  read(result: JsonView, { caller, method }: SessionRequest): Outcome {
    const type = result.get('resultType');
    if (type && !type.equals('complete')) {
      return { kind: 'input_required', result: result.raw(), server: this.#server };
    }
    const own = caller?.exchange.client.era === 'legacy' ? legacyResultOf(result) : result.raw();
    // What depends on answers is never kept (M:cache).
    if (!CACHEABLE_METHODS.has(method) || caller?.resumption) return { kind: 'result', result: own };
    return { kind: 'result', result: own, freshness: freshnessOf(result) };
  }
}

const NO_HEADERS: Headers = {};
