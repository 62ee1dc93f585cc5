import { EgressGuard } from '#libs/egress';
import { GatewayError } from '#libs/kernel';
import { type Connection, type ConnectOptions, Extension, type UpstreamTarget, UpstreamTransport } from '#libs/plugin';
import { HttpSession } from '../http/http-session.js';
import { HttpPools } from '../http/pools.js';
import { urlProblems } from '../http/target-url.js';
import { subject } from '../shared/text.js';
import { SseConnection } from './sse.connection.js';

/** The HTTP+SSE transport of 2024-11-05, for servers that know no other. */
@Extension(UpstreamTransport, { name: 'sse', api: '1.0' })
export class SseTransport extends UpstreamTransport {
  readonly #pools: HttpPools;

  constructor(guard: EgressGuard) {
    super();
    this.#pools = new HttpPools(guard);
  }

  override validate(target: UpstreamTarget): readonly string[] {
    return urlProblems(target);
  }

  async connect(target: UpstreamTarget, options: ConnectOptions): Promise<Connection> {
    const [problem] = urlProblems(target);
    if (problem)
      throw new GatewayError('UPSTREAM_UNREACHABLE', `${subject(target)}: ${problem}`, { notExecuted: true });
    const connection = new SseConnection(new HttpSession(target, this.#pools.of(target), options));
    await connection.open(options.signal);
    return connection;
  }

  override renew(target: UpstreamTarget): void {
    this.#pools.renew(target);
  }

  override release(target: UpstreamTarget): Promise<void> {
    return this.#pools.release(target);
  }
}
