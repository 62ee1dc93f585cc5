import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileConfig, listedFor, type SpawnedGateway, spawnGateway } from '../../support/gateway.js';
import { http } from '../../support/raw.js';
import { Cleanup, until } from '../../support/wait.js';
import { Ledger } from '../ledger/ledger.js';
import { FaultyUpstream } from './faulty/upstream.js';
import { lastingPort, processesWith } from './processes.js';
import { type Upstream, type UpstreamPlan, upstreamFor } from './upstreams.js';

export interface WorldPlan {
  readonly upstreams: readonly UpstreamPlan[];
  /** More of `proxy`, `server` and the other sections of the gateway's configuration. */
  readonly proxy?: Record<string, unknown>;
  readonly server?: Record<string, unknown>;
  readonly sections?: Record<string, unknown>;
  /** Flags for the gateway's Node. */
  readonly node?: readonly string[];
  /** Starts what else the world needs; the gateway will listen on this port. */
  readonly beside?: (port: number) => Promise<Beside>;
}

/** Something that runs beside the gateway, such as an identity provider. */
export interface Beside {
  /** What the gateway's configuration has because of it. */
  readonly sections?: Record<string, unknown>;
  /** What callers send because of it. */
  readonly headers?: Record<string, string>;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Flags for the gateway's Node. */
  readonly node?: readonly string[];
}

/** Waits short enough to see the whole of a recovery in seconds; the code that runs is the same. */
const PROXY = {
  heartbeat: { interval: '500ms', timeout: '2s', failures: 2 },
  retry: { initial: '50ms', max: '1s' },
};
const SERVER = { shutdown: { drain: '1s', timeout: '10s' } };
let runs = 0;

/** The built gateway as a process, real upstreams behind it, and the book of all calls. */
export class World {
  readonly ledger: Ledger;
  readonly upstreams: readonly Upstream[];
  readonly port: number;
  readonly beside: Beside | undefined;
  gateway!: SpawnedGateway;
  readonly #plan: WorldPlan;
  readonly #options: WorldOptions;
  readonly #mark: string;
  readonly #cleanup: Cleanup;

  private constructor(plan: WorldPlan, options: WorldOptions, made: Made) {
    this.#plan = plan;
    this.#options = options;
    this.ledger = made.ledger;
    this.upstreams = made.upstreams;
    this.port = made.port;
    this.beside = made.beside;
    this.#mark = made.mark;
    this.#cleanup = made.cleanup;
  }

  static async start(plan: WorldPlan, options: WorldOptions = {}): Promise<World> {
    const cleanup = new Cleanup();
    const mark = `${process.pid}-${++runs}`;
    const directory = mkdtempSync(join(tmpdir(), 'mcp-gateway-chaos-'));
    cleanup.run(() => rmSync(directory, { recursive: true, force: true }));
    const ledger = new Ledger(join(directory, 'ran'));
    const env = { CHAOS_RUN: mark, CHAOS_LEDGER: ledger.file };
    const upstreams = await Promise.all(plan.upstreams.map((upstream) => upstreamFor(upstream, env)));
    for (const upstream of upstreams) cleanup.add(upstream);
    const port = await lastingPort();
    const beside = await plan.beside?.(port);
    if (beside) cleanup.add(beside);
    const world = new World(plan, options, { ledger, upstreams, mark, cleanup, port, beside });
    try {
      await Promise.all(upstreams.map((upstream) => upstream.start()));
      await world.startGateway();
      await listedFor(world.headers, world.gateway, ...upstreams.map(({ name }) => name));
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  /** What every caller sends. */
  get headers(): Record<string, string> {
    return this.beside?.headers ?? {};
  }

  /** What the gateway's file has, with changes. */
  config(changes: Partial<FileConfig> = {}): FileConfig {
    const { proxy, server, sections } = this.#plan;
    return {
      servers: this.upstreams.map(({ entry }) => entry),
      proxy: { ...PROXY, ...proxy },
      server: { ...SERVER, ...server },
      sections: { ...sections, ...this.beside?.sections },
      ...changes,
    };
  }

  upstream(name: string): Upstream {
    const found = this.upstreams.find((upstream) => upstream.name === name);
    if (!found) throw new Error(`no upstream ${name}`);
    return found;
  }

  faulty(name: string): FaultyUpstream {
    const found = this.upstream(name);
    if (!(found instanceof FaultyUpstream)) throw new Error(`${name} is not faulty`);
    return found;
  }

  /** Starts the gateway, again on the same port where it ran before. */
  async startGateway(): Promise<void> {
    const node = [...(this.#plan.node ?? []), ...(this.#options.node ?? [])];
    this.gateway = await spawnGateway(this.config(), {
      port: this.port,
      node,
      env: { ...this.env, CHAOS_DATE: this.#dateFile },
    });
    this.#cleanup.add(this.gateway);
  }

  get #dateFile(): string {
    return `${this.ledger.file}-date`;
  }

  /** Milliseconds the gateway's date is ahead of the true one. Its plan has to load `testing/settable-date.mjs` into it. */
  async setDate(ahead: number): Promise<void> {
    const said = () => this.gateway.output().split('the date is ').length;
    const before = said();
    writeFileSync(this.#dateFile, String(ahead));
    this.gateway.child.kill('SIGUSR2');
    await until('the date is set', () => said() > before);
  }

  /** What marks a process as one of this world. */
  get env(): Record<string, string> {
    return { CHAOS_RUN: this.#mark };
  }

  async untilReady(patience?: number): Promise<void> {
    const ready = async () => (await http(`${this.gateway.url}/ready`, { method: 'GET' })).status === 200;
    await until('the gateway is ready', ready, patience);
  }

  /** What the gateway says that it keeps for clients who wait or listen; empty when there is nothing. */
  async held(): Promise<string> {
    const { text } = await http(`${this.gateway.url}/metrics`, { method: 'GET' });
    const gauges = text.match(/^mcp_gateway_(streams|parked_calls|requests_in_flight|bytes_in_flight) \d+$/gm) ?? [];
    if (gauges.length !== 4) throw new Error(`no gauges in ${text.slice(0, 200)}`);
    return gauges.filter((gauge) => !gauge.endsWith(' 0')).join(', ');
  }

  /** Processes of this world that still run. */
  processes(): number[] {
    return processesWith(`CHAOS_RUN=${this.#mark}`);
  }

  async close(): Promise<void> {
    await this.#cleanup.close();
  }
}

interface Made {
  readonly ledger: Ledger;
  readonly upstreams: readonly Upstream[];
  readonly port: number;
  readonly mark: string;
  readonly cleanup: Cleanup;
  readonly beside: Beside | undefined;
}
