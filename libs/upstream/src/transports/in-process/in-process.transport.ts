import { GatewayError, messageOf } from '#libs/kernel';
import {
  type Connection,
  type ConnectOptions,
  Extension,
  ExtensionRegistry,
  InProcessServer,
  type UpstreamTarget,
  UpstreamTransport,
} from '#libs/plugin';
import { subject } from '../shared/text.js';
import { InProcessConnection } from './in-process.connection.js';

/** An MCP server object in the gateway's own process: an `InProcessServer` extension makes one per connection. */
@Extension(UpstreamTransport, { name: 'in-process', api: '1.0' })
export class InProcessTransport extends UpstreamTransport {
  readonly #registry: ExtensionRegistry;

  constructor(registry: ExtensionRegistry) {
    super();
    this.#registry = registry;
  }

  override validate(target: UpstreamTarget): readonly string[] {
    const server = target.options['server'];
    if (server !== undefined && typeof server !== 'string') return ['server: must be the name of an in-process server'];
    try {
      this.#registry.get(InProcessServer, nameOf(target));
      return [];
    } catch (thrown) {
      return [`server: ${messageOf(thrown)}`];
    }
  }

  async connect(target: UpstreamTarget, { listener, signal }: ConnectOptions): Promise<Connection> {
    const factory = this.#registry.get(InProcessServer, nameOf(target));
    try {
      const connection = new InProcessConnection(target, await factory.create(), listener);
      await connection.start();
      if (!signal.aborted) return connection;
      await connection.close();
    } catch (thrown) {
      throw new GatewayError(
        'UPSTREAM_UNREACHABLE',
        `${subject(target)} could not be created: ${messageOf(thrown)}; this is a fault of the in-process server "${nameOf(target)}"`,
        { cause: thrown, notExecuted: true },
      );
    }
    throw new GatewayError('UPSTREAM_UNREACHABLE', `${subject(target)} was given up while it started`, {
      notExecuted: true,
    });
  }
}

function nameOf(target: UpstreamTarget): string {
  const server = target.options['server'];
  return typeof server === 'string' ? server : target.name;
}
