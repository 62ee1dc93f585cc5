import { EgressGuard } from '#libs/egress';
import { GatewayError } from '#libs/kernel';
import { type Connection, type ConnectOptions, Extension, type UpstreamTarget, UpstreamTransport } from '#libs/plugin';
import { subject } from '../shared/text.js';
import { HttpPools, type OriginPools } from './pools.js';
import { StreamableHttpConnection } from './streamable-http.connection.js';
import { urlProblems } from './target-url.js';

/**
 * Streamable HTTP, 2025-03-26 and later (`L:http`): each message its own POST, answered by JSON or an event stream. Opening
 * a connection costs nothing; the first request tells whether the upstream is there.
 */
@Extension(UpstreamTransport, { name: 'streamable-http', api: '1.0' })
export class StreamableHttpTransport extends UpstreamTransport {
  readonly #pools: HttpPools;

  constructor(guard: EgressGuard) {
    super();
    this.#pools = new HttpPools(guard);
  }

  override validate(target: UpstreamTarget): readonly string[] {
    return urlProblems(target);
  }

  async connect(target: UpstreamTarget, options: ConnectOptions): Promise<Connection> {
    return new StreamableHttpConnection(target, this.#pools.known(target) ?? this.#begin(target), options);
  }

  /** The first connection to this target. */
  #begin(target: UpstreamTarget): OriginPools {
    const [problem] = urlProblems(target);
    if (problem === undefined) return this.#pools.of(target);
    throw new GatewayError('UPSTREAM_UNREACHABLE', `${subject(target)}: ${problem}`, { notExecuted: true });
  }

  override renew(target: UpstreamTarget): void {
    this.#pools.renew(target);
  }

  override release(target: UpstreamTarget): Promise<void> {
    return this.#pools.release(target);
  }
}
