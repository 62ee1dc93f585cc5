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
  readonly #pools = new HttpPools();

  override validate(target: UpstreamTarget): readonly string[] {
    return urlProblems(target);
  }

  async connect(target: UpstreamTarget, { listener, headers, signal }: ConnectOptions): Promise<Connection> {
    const [problem] = urlProblems(target);
    if (problem)
      throw new GatewayError('UPSTREAM_UNREACHABLE', `${subject(target)}: ${problem}`, { notExecuted: true });
    const connection = new SseConnection(new HttpSession(target, this.#pools.of(target), headers, listener));
    await connection.open(signal);
    return connection;
  }

  override release(target: UpstreamTarget): Promise<void> {
    return this.#pools.release(target);
  }
}
