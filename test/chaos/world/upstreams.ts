import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, type Running, startProcess, untilOutput } from '../../support/processes.js';
import type { ServerEntry } from '../../support/upstreams.js';
import { until } from '../../support/wait.js';
import { FaultyUpstream } from './faulty/upstream.js';
import { lastingPort, processesWith } from './processes.js';
import { Relay } from './relay.js';

/** How an upstream is spoken to. */
export const KINDS = ['stdio', 'sse', 'http-sessions', 'http-json', 'http-stream', 'modern'] as const;
export type Kind = (typeof KINDS)[number];

const SERVER = join(ROOT, 'test/chaos/upstream/server.mjs');

/** One upstream of an experiment. Its processes can be ended and come back. */
export interface Upstream {
  readonly name: string;
  /** Its entry in the gateway's configuration. */
  readonly entry: ServerEntry;
  /** The network in front of it, where the plan says `relayed`. */
  readonly relay?: Relay | undefined;
  start(): Promise<void>;
  /** For every process of it. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, until it is gone. */
  kill(): Promise<void>;
  /** The same, and it stays away until it is started. */
  takeAway(): Promise<void>;
  close(): Promise<void>;
}

export interface UpstreamPlan {
  readonly name: string;
  /** `faulty`: in this process, and its behaviour can be chosen (`faulty/`). */
  readonly kind: Kind | 'faulty';
  /** Behind a TCP relay. */
  readonly relayed?: boolean;
  /** More of `connection`. */
  readonly connection?: Record<string, unknown>;
  /** More of its entry. */
  readonly more?: Record<string, unknown>;
}

/** `env` reaches every process of it. */
export async function upstreamFor(plan: UpstreamPlan, env: Record<string, string>): Promise<Upstream> {
  const own = { ...env, CHAOS_UPSTREAM: `${env['CHAOS_RUN']}-${plan.name}` };
  if (plan.kind === 'stdio') return stdioUpstream(plan, own);
  const port = await lastingPort();
  if (plan.kind === 'faulty') return new FaultyUpstream(plan, String(env['CHAOS_LEDGER']), port);
  return httpUpstream(plan, own, port, plan.relayed ? await Relay.start(port) : undefined);
}

/** Started by the gateway, and started again by it. */
function stdioUpstream({ name, connection, more }: UpstreamPlan, env: Record<string, string>): Upstream {
  const away = `${env['CHAOS_LEDGER']}-${name}-away`;
  const command = {
    command: process.execPath,
    args: [SERVER, '--kind', 'stdio'],
    env: { ...env, CHAOS_AWAY: away },
  };
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processesWith(`CHAOS_UPSTREAM=${env['CHAOS_UPSTREAM']}`)) process.kill(pid, name);
  };
  const kill = async () => signal('SIGKILL');
  return {
    name,
    entry: { name, type: 'stdio', connection: { ...command, ...connection }, ...more },
    start: async () => rmSync(away, { force: true }),
    signal,
    kill,
    async takeAway() {
      writeFileSync(away, '');
      await kill();
    },
    close: async () => {},
  };
}

function httpUpstream(plan: UpstreamPlan, env: Record<string, string>, port: number, relay?: Relay): Upstream {
  const { name, kind, connection, more } = plan;
  let running: Running | undefined;
  const type = kind === 'sse' ? 'sse' : 'streamable-http';
  const url = `http://127.0.0.1:${relay?.port ?? port}/${kind === 'sse' ? 'sse' : 'mcp'}`;
  const kill = async () => {
    running?.child.kill('SIGKILL');
    await until(`${name} is gone`, () => running?.child.signalCode !== null);
  };
  return {
    name,
    entry: { name, type, connection: { url, ...connection }, ...more },
    relay,
    async start() {
      await until(`the upstream ${name} listens on ${port}`, async () => {
        running = startProcess([SERVER, '--kind', kind, '--port', String(port)], env);
        return await untilOutput(running, /"url":/);
      });
    },
    signal: (name) => void running?.child.kill(name),
    kill,
    takeAway: kill,
    async close() {
      await running?.close();
      await relay?.close();
    },
  };
}
