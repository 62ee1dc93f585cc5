import type { Dispatcher } from 'undici';
import { GatewayError, Lru, messageOf } from '#libs/kernel';
import { ClientPool } from './client-pool.js';
import { type EgressGuard, type Trust } from './egress-guard.js';
import { guardedConnect, type TlsOptions } from './guarded-connect.js';
import { loadRequest } from './undici.js';

export interface JsonRequest {
  readonly url: string;
  readonly trust: Trust;
  /** For `discovered` URLs: the origin of whoever named it. */
  readonly origin?: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: URLSearchParams;
  /** Milliseconds for everything. Default 5000. */
  readonly timeout?: number;
  /** Most bytes of an answer. Default 256 KiB. */
  readonly maxBytes?: number;
  readonly tls?: TlsOptions;
}

export interface JsonAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body; undefined when it is no JSON. */
  readonly body: unknown;
}

/** Why there is no answer. Messages name no secrets; whoever asks says where the URL came from. */
export class EgressError extends Error {
  override readonly name = 'EgressError';

  constructor(
    readonly kind: 'denied' | 'unreachable' | 'timeout' | 'too_large' | 'redirect',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const MAX_ORIGINS = 64;

/**
 * Small JSON documents over HTTP, for whatever is not MCP: metadata, keys, tokens. Follows no redirect, unpacks no encoding,
 * reads no more than it was told to, and contacts nobody the guard does not admit.
 */
export class EgressClient {
  readonly #pools = new Lru<string, ClientPool>(MAX_ORIGINS);

  constructor(private readonly guard: EgressGuard) {}

  /** @throws EgressError */
  async json(options: JsonRequest): Promise<JsonAnswer> {
    const url = this.#admitted(options);
    const { timeout = 5_000, maxBytes = 256 * 1024, method = options.form ? 'POST' : 'GET' } = options;
    const request = loadRequest();
    const signal = AbortSignal.timeout(timeout);
    try {
      const answer = await request.call(this.#pool(url, options), {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          'user-agent': 'mcp-gateway',
          ...(options.form && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...options.headers,
        },
        body: options.form?.toString() ?? null,
        signal,
      });
      const { statusCode, headers } = answer;
      // Destroyed early, a body says so to whoever listens.
      answer.body.on('error', () => {});
      if (statusCode >= 300 && statusCode < 400) {
        answer.body.destroy();
        throw new EgressError(
          'redirect',
          `${url.origin} answered with a redirect (${statusCode}), which is not followed`,
        );
      }
      const bytes = await this.#read(answer, maxBytes, url);
      return { status: statusCode, headers, body: parseJson(bytes) };
    } catch (thrown) {
      throw explained(thrown, url, timeout, signal);
    }
  }

  /** The policy changed: sockets that are open were judged by the one of then, and are used for nothing new. */
  renew(): void {
    for (const pool of this.#pools.values()) pool.renewAll();
  }

  /** Closes every socket. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.clear()].map((pool) => pool.destroy()));
  }

  #admitted({ url, trust, origin }: JsonRequest): URL {
    try {
      return this.guard.checkUrl(url, trust, origin);
    } catch (thrown) {
      throw new EgressError('denied', messageOf(thrown), { cause: thrown });
    }
  }

  async #read({ body, headers }: Dispatcher.ResponseData, limit: number, url: URL): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    const encoding = headers['content-encoding'];
    const announced = Number(headers['content-length'] ?? 0);
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (Math.max(size, announced) > limit) {
        body.destroy();
        throw new EgressError('too_large', `${url.origin} answered with more than ${limit} bytes`);
      }
      chunks.push(chunk);
    }
    if (encoding !== undefined && encoding !== 'identity') return Buffer.alloc(0);
    return Buffer.concat(chunks, size);
  }

  /** One pool for each origin, trust and TLS material. */
  #pool(url: URL, { trust, origin, tls }: JsonRequest): ClientPool {
    const level = origin === url.origin ? 'operator' : trust;
    const key = JSON.stringify([url.origin, level, tls ?? null]);
    const known = this.#pools.get(key);
    if (known) return known;
    const pool = new ClientPool(url.origin, {
      connections: 8,
      connect: guardedConnect(this.guard, level, { timeout: 5_000, ...tls }),
    });
    for (const evicted of this.#pools.set(key, pool)) void evicted.destroy();
    return pool;
  }
}

function explained(thrown: unknown, url: URL, timeout: number, signal: AbortSignal): EgressError {
  if (thrown instanceof EgressError) return thrown;
  if (signal.aborted) return new EgressError('timeout', `${url.origin} did not answer within ${timeout} ms`);
  const denied = [thrown, (thrown as { cause?: unknown } | undefined)?.cause].find(
    (error) => error instanceof GatewayError && error.code === 'EGRESS_DENIED',
  );
  if (denied) return new EgressError('denied', messageOf(denied), { cause: thrown });
  return new EgressError('unreachable', `${url.origin} cannot be reached (${messageOf(thrown)})`, { cause: thrown });
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
