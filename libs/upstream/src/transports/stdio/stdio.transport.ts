import { Inject, Optional } from '@nestjs/common';
import { GatewayError } from '#libs/kernel';
import { type Connection, type ConnectOptions, Extension, type UpstreamTarget, UpstreamTransport } from '#libs/plugin';
import { ChildPlaces } from '../../pool/child-places.js';
import { subject } from '../shared/text.js';
import { ChildEnvironment } from './child-environment.js';
import { type Launched, launch } from './launch.js';
import { watchdog } from './process-group.js';
import { SHUTDOWN_TIMES, type ShutdownTimes, StdioConnection } from './stdio.connection.js';

/**
 * An MCP server as a child process, one per connection; newline-delimited JSON-RPC on its stdin and stdout (`L:stdio`).
 * Commands come from the configuration file only and never see a shell.
 */
@Extension(UpstreamTransport, { name: 'stdio', api: '1.0' })
export class StdioTransport extends UpstreamTransport {
  /** How patiently children are stopped. */
  times: ShutdownTimes = SHUTDOWN_TIMES;
  readonly #base: ChildEnvironment;

  readonly #places: ChildPlaces;

  constructor(
    @Optional() @Inject(ChildEnvironment) base?: ChildEnvironment,
    @Optional() @Inject(ChildPlaces) places?: ChildPlaces,
  ) {
    super();
    this.#base = base ?? new ChildEnvironment();
    this.#places = places ?? new ChildPlaces();
  }

  override validate(target: UpstreamTarget): readonly string[] {
    const problems: string[] = [];
    if (!target.command) problems.push('command: is required for stdio, for example "npx" or "/usr/bin/node"');
    else if (/\s/.test(target.command) && !target.command.includes('/')) {
      problems.push('command: must be the program alone; put its arguments into args, no shell splits them');
    }
    for (const [where, text] of [
      ['command', target.command ?? ''],
      ['cwd', target.cwd ?? ''],
      ...target.args.map((arg, i) => [`args[${i}]`, arg]),
      ...Object.entries(target.env).map(([name, value]) => [`env.${name}`, value]),
    ] as [string, string][]) {
      if (text.includes('\0')) problems.push(`${where}: must not contain a NUL character`);
    }
    for (const name of Object.keys(target.env)) {
      if (name === '' || name.includes('=')) problems.push(`env.${name}: is not a name for an environment variable`);
    }
    return problems;
  }

  async connect(target: UpstreamTarget, { listener, signal }: ConnectOptions): Promise<Connection> {
    const launched = await this.#launch(target, signal);
    const connection = new StdioConnection(target, launched, listener, this.times);
    if (!signal.aborted) return connection;
    await connection.close();
    throw new GatewayError('UPSTREAM_UNREACHABLE', `${subject(target)} was given up while it started`, {
      notExecuted: true,
    });
  }

  /** The watchdog is a child as well: with the last upstream it goes too. */
  override async release(): Promise<void> {
    await watchdog.left(this.times.kill);
  }

  /** With a place among the children of all upstreams. */
  async #launch(target: UpstreamTarget, signal: AbortSignal): Promise<Launched> {
    const place = await this.#places.take(target.name, signal);
    try {
      return await launch(target, this.#base, place, signal);
    } catch (thrown) {
      place.leave();
      throw thrown;
    }
  }
}
