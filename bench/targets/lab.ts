import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Line } from '../load/connection.ts';
import type { Placement } from '../machine/cpus.ts';
import { Processes, type Running, type StartOptions } from '../machine/processes.ts';
import { type GatewaySetup, gatewayConfig, type Profile } from './gateway-config.ts';
import { Issuer } from './issuer.ts';
import { FLOOR_SCRIPT, GATEWAY_BIN, NEST_SCRIPT, UPSTREAM_SCRIPT } from './paths.ts';
import type { Pieces } from './pieces.ts';
import { refusesStrangers, untilListed } from './ready.ts';
import { HUNG_PATH, pathOf, upstreamName } from './shape.ts';
import { directDoor, floorDoor, gatewayDoor, Target } from './target.ts';
import { HIDDEN } from './views.ts';
import { sameEra, type World } from './world.ts';

export interface LabOptions {
  /** For configurations, logs and audit. */
  readonly directory: string;
  readonly placement: Placement;
  readonly pieces: Pieces;
  /** Further flags for the gateway's Node, such as --cpu-prof. */
  readonly gatewayFlags: readonly string[];
}

/** What a floor does with requests about sessions. */
export type FloorSessions = 'pass' | 'local';

const LISTENING = /^listening (\d+)$/m;
const GATEWAY_LISTENING = /"url":"http:\/\/127\.0\.0\.1:(\d+)\/mcp"/;

/** Starts the processes of a run and knows where they are. One upstream process is every upstream. */
export class Lab {
  readonly options: LabOptions;
  readonly issuer: Issuer;
  readonly upstream: Running;
  readonly upstreamPort: number;
  readonly #processes: Processes;
  #configs = 0;

  private constructor(options: LabOptions, processes: Processes, issuer: Issuer, upstream: Running, port: number) {
    this.options = options;
    this.issuer = issuer;
    this.upstream = upstream;
    this.upstreamPort = port;
    this.#processes = processes;
  }

  static async start(options: LabOptions): Promise<Lab> {
    mkdirSync(options.directory, { recursive: true });
    const processes = new Processes(options.directory);
    const issuer = await Issuer.start();
    try {
      const upstream = processes.start('upstream', [UPSTREAM_SCRIPT], { cpu: options.placement.upstream });
      return new Lab(options, processes, issuer, upstream, await portOf(upstream, LISTENING));
    } catch (error) {
      await Promise.all([processes.stopAll(), issuer.stop()]);
      throw error;
    }
  }

  /** The upstream itself, without anything in between. */
  direct(world: World): Target {
    return new Target(this.upstream, directDoor(this.upstreamPort, sameEra(world)));
  }

  async floor(world: World, sessions: FloorSessions = 'pass', nodeFlags: readonly string[] = []): Promise<Target> {
    const shape = sameEra(world);
    const upstreams = this.#upstreamNames(world).map((name) => [name, this.#url(pathOf(shape, name))]);
    const config = JSON.stringify({ upstreams, sessions, views: HIDDEN });
    const running = this.#start('floor', [FLOOR_SCRIPT, config], { nodeFlags });
    return new Target(running, floorDoor({ port: await portOf(running, LISTENING), era: world.client }));
  }

  /** The bare application the start is compared with. */
  async nest(): Promise<{ running: Running; port: number }> {
    const running = this.#start('nest', [NEST_SCRIPT], {});
    return { running, port: await portOf(running, LISTENING) };
  }

  /** The gateway as in production, once it shows every tool of every upstream. */
  async gateway(profile: Profile, world: World, nodeFlags: readonly string[] = []): Promise<Target> {
    const target = await this.startGateway(profile, world, nodeFlags);
    await untilListed(target.door, (world.upstreams - (world.lastHangs ? 1 : 0)) * world.upstream.tools);
    if (target.door.token(0) !== undefined) await refusesStrangers(target.door);
    return target;
  }

  /** The same as soon as it listens: its upstreams may not be there yet. */
  async startGateway(profile: Profile, world: World, nodeFlags: readonly string[] = []): Promise<Target> {
    const { file, auditFile } = this.#writeConfig(profile, world);
    const flags = [...this.options.gatewayFlags, ...nodeFlags];
    const running = this.#start(`gateway-${profile}`, [GATEWAY_BIN, 'serve', '--config', file], { nodeFlags: flags });
    const authenticates = profile === 'everything' && this.options.pieces.on.includes('authentication');
    const port = await portOf(running, GATEWAY_LISTENING);
    const token = authenticates ? (caller: number) => this.issuer.token(caller) : undefined;
    const door = gatewayDoor({ port, era: world.client, ...(token && { token }) });
    const audits = profile === 'everything' && this.options.pieces.on.includes('audit');
    return new Target(running, door, {
      scraped: profile === 'everything',
      auditFile: audits ? auditFile : undefined,
    });
  }

  /** How many calls of tools the upstreams have executed since they started. */
  async executed(): Promise<number> {
    const line = new Line({ host: '127.0.0.1', port: this.upstreamPort });
    try {
      const { body } = await line.exchange(`GET /counts HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
      return (JSON.parse(body.toString()) as { calls: number }).calls;
    } finally {
      line.close();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#processes.stopAll(), this.issuer.stop()]);
  }

  #writeConfig(profile: Profile, world: World): { file: string; auditFile: string } {
    const number = this.#configs++;
    const auditFile = join(this.options.directory, `audit-${number}.log`);
    const { era } = world.upstream;
    const setup: GatewaySetup = {
      profile,
      upstreams: this.#upstreamNames(world).map((name, index) => ({
        name,
        url: this.#url(world.lastHangs && index === world.upstreams - 1 ? HUNG_PATH : pathOf(world.upstream, name)),
        protocol: era,
      })),
      pieces: this.options.pieces.on,
      issuer: this.issuer,
      auditFile,
      patterns: world.patterns,
      sessions: world.sessions,
    };
    const file = join(this.options.directory, `gateway-${number}.yaml`);
    writeFileSync(file, JSON.stringify(gatewayConfig(setup), undefined, 1));
    return { file, auditFile };
  }

  #start(name: string, args: readonly string[], options: StartOptions): Running {
    return this.#processes.start(name, args, { cpu: this.options.placement.gateway, ...options });
  }

  #upstreamNames({ upstreams }: World): string[] {
    return Array.from({ length: upstreams }, (_, index) => upstreamName(index));
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.upstreamPort}${path}`;
  }
}

async function portOf(running: Running, pattern: RegExp): Promise<number> {
  const [, port] = await running.says(pattern);
  return Number(port);
}
