import { EchoCheck, fillerOf, Nonces } from '../load/checks.ts';
import { Line } from '../load/connection.ts';
import { postHead, request } from '../load/door.ts';
import { callParts, nextId } from '../load/messages.ts';
import type { Running } from '../machine/processes.ts';
import { cpuNs, memoryOf, processTree } from '../machine/usage.ts';
import { sleep, until } from '../machine/wait.ts';
import type { MetricName, Round } from '../report/metrics.ts';
import type { EntrantReport } from '../report/shape.ts';
import type { Target } from '../targets/target.ts';
import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import type { Case, CaseContext } from './case.ts';
import { inTurn } from './rounds.ts';

const MB = 1024 * 1024;
const METRICS: readonly MetricName[] = ['start', 'listening', 'idleRss', 'idlePss', 'idleCpu'];

/** Modern, so that the first call is one request; with one upstream, as a start is compared with an empty application's. */
const WORLD: World = {
  ...DEFAULT_WORLD,
  client: 'modern',
  upstreams: 1,
  upstream: { ...DEFAULT_WORLD.upstream, era: 'modern' },
};

/** From nothing to the first answered call, and what is used when nothing goes on. */
export function startCase(): Case {
  const [name, about] = ['start', 'process start to the first answered call, one upstream; then idle'] as const;
  return {
    name,
    about,
    needs: [],
    metrics: METRICS,
    async run(context) {
      await context.pool.leave();
      return { name, about, base: 'nest', metrics: METRICS, entrants: await startAll(context) };
    },
  };
}

async function startAll({ lab, profiles, scale, progress }: CaseContext): Promise<EntrantReport[]> {
  const entrants: { name: string; start(): Promise<Started> }[] = [
    { name: 'nest', start: async () => startedNest(await lab.nest()) },
    { name: 'floor', start: async () => startedTarget(await lab.floor(WORLD)) },
    ...profiles.map((profile) => ({
      name: profile,
      start: async () => startedTarget(await lab.startGateway(profile, WORLD)),
    })),
  ];
  const reports = entrants.map(({ name }) => ({ name, calls: 0, faults: [] as string[], rounds: [] as Round[] }));
  for (let round = 0; round < scale.rounds; round++) {
    for (const entrant of inTurn(entrants, round)) {
      progress(`round ${round + 1} of ${scale.rounds}: ${entrant.name}`);
      const report = reports[entrants.indexOf(entrant)];
      const { running, figures } = await entrant.start();
      try {
        if (report) report.rounds[round] = { ...figures, ...(await idle(running, scale.settle)) };
        if (report) report.calls += 1;
      } finally {
        await running.stop();
      }
    }
  }
  return reports;
}

interface Started {
  readonly running: Running;
  readonly figures: Round;
}

/** An application without a call to answer: its first answered request stands for it. */
async function startedNest({ running, port }: { running: Running; port: number }): Promise<Started> {
  const listening = await firstAnswer(port, '/live');
  return { running, figures: { start: listening - running.startedAt, listening: listening - running.startedAt } };
}

async function startedTarget({ running, door }: Target): Promise<Started> {
  try {
    const listening = (await firstAnswer(door.port, '/live')) - running.startedAt;
    const line = new Line(door);
    try {
      await until('the first answered call', 60_000, () => firstCall(line, door), 2);
    } finally {
      line.close();
    }
    return { running, figures: { start: performance.now() - running.startedAt, listening } };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** When the port answered anything at all. */
async function firstAnswer(port: number, path: string): Promise<number> {
  const line = new Line({ host: '127.0.0.1', port });
  try {
    await line.exchange(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    return performance.now();
  } finally {
    line.close();
  }
}

const filler = fillerOf(64);
const nonces = new Nonces();

/** Undefined while the upstream is not there yet. */
async function firstCall(line: Line, door: Target['door']): Promise<true | undefined> {
  const [id, nonce, name] = [nextId(), nonces.next(), door.toolName(0, 0)];
  const { before, between, behind } = callParts(door.era, name);
  const head = postHead(door, { method: 'tools/call', name, token: door.token(0) });
  const reply = await line.exchange(request(head, before + id + between + nonce + filler + behind));
  try {
    new EchoCheck(door.era, filler).verify(reply, id, nonce);
    return true;
  } catch {
    return undefined;
  }
}

async function idle(running: Running, settle: number): Promise<Round> {
  await sleep(settle);
  const pids = processTree(running.pid);
  const before = cpuNs(pids);
  await sleep(settle);
  const idleCpu = ((cpuNs(pids) - before) / (settle * 1e6)) * 100;
  const { rss, pss } = memoryOf(pids);
  return { idleRss: rss / MB, idlePss: pss / MB, idleCpu };
}
