import { Calls } from '../load/tasks.ts';
import { VisitTask } from '../load/visits.ts';
import type { Era } from '../targets/shape.ts';
import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import type { Case, CaseContext } from './case.ts';
import { ALL_FOUR, type Line, type Load, standardEntrants } from './entrants.ts';
import { interleaved, type Pace, ROUND_METRICS } from './rounds.ts';

const KB = 1024;
const SIZES = { '64B': 64, '10KB': 10 * KB, '1MB': KB * KB } as const;
/** Bytes from which on bodies are large. */
const LARGE = SIZES['10KB'];

interface CallCase {
  readonly size?: number;
  readonly concurrency?: number;
  readonly world?: Partial<World>;
  /** One tool of every upstream in turn. */
  readonly spread?: boolean;
  readonly stream?: boolean;
}

/** tools/call in every size, at every concurrency, in all combinations of eras; in each world the large ones last. */
export function callCases(): Case[] {
  return [
    ...sizeCases('64B', [1, 16, 128]),
    ...sizeCases('10KB', [1, 16, 128]),
    callCase('call-spread', 'tools/call, 64 B, one tool of each of 20 upstreams in turn', { spread: true }),
    eraCase('legacy', 'legacy'),
    ...sizeCases('1MB', [1, 8, 16, 128]),
    eraCase('legacy', 'modern'),
    eraCase('modern', 'legacy'),
    eraCase('modern', 'modern'),
    callCase('call-sessions', 'tools/call, 64 B, upstream with a session per client session', {
      world: { upstream: { ...DEFAULT_WORLD.upstream, state: 'sessions' } },
    }),
    callCase('sse-upstream', 'tools/call, 64 B, the upstream answers with a stream', { world: sse() }),
    callCase('sse-both', 'tools/call, 64 B, the upstream answers with a stream and the client prefers one', {
      world: sse(),
      stream: true,
    }),
  ];
}

function sizeCases(name: keyof typeof SIZES, concurrencies: readonly number[]): Case[] {
  return concurrencies.map((concurrency) =>
    callCase(`call-${name}-c${concurrency}`, `tools/call, ${name} echoed, ${clients(concurrency)}`, {
      size: SIZES[name],
      concurrency,
    }),
  );
}

/** Clients that come for one call and go. */
export function connectCases(): Case[] {
  const sessions = { upstream: { ...DEFAULT_WORLD.upstream, state: 'sessions' } } as const;
  return [
    visitCase('connect-sessions', 'connect, initialize, initialized, one call, DELETE; the upstream has sessions too', {
      world: { ...DEFAULT_WORLD, ...sessions },
    }),
    visitCase('connect-stateless', 'the same; the upstream has no sessions, the bare proxy answers for itself', {
      world: DEFAULT_WORLD,
      line: { direct: true, floorSessions: 'local' },
    }),
    visitCase('connect-modern', 'connect and one call, modern and stateless, every time another caller', {
      world: modernWorld(),
    }),
  ];
}

function eraCase(client: Era, upstream: Era): Case {
  return callCase(`era-${client}-${upstream}`, `tools/call, 64 B, ${client} client, ${upstream} upstream`, {
    world: { client, upstream: { ...DEFAULT_WORLD.upstream, era: upstream } },
  });
}

function modernWorld(): World {
  return { ...DEFAULT_WORLD, client: 'modern', upstream: { ...DEFAULT_WORLD.upstream, era: 'modern' } };
}

function sse(): Partial<World> {
  return { upstream: { ...DEFAULT_WORLD.upstream, reply: 'sse' } };
}

function callCase(name: string, about: string, options: CallCase): Case {
  const { size = 64, concurrency = 16, spread = false, stream = false } = options;
  const world: World = { ...DEFAULT_WORLD, ...options.world };
  // Tool 0 of each: the callers' views differ, and its group is the one that all of them have.
  const tools = Array.from({ length: spread ? world.upstreams : 1 }, (_, upstream) => [upstream, 0] as const);
  const load = ({ scale }: CaseContext): Load => ({
    concurrency,
    executes: 1,
    sessions: scale.sessions,
    clients: (door, sessions) => {
      const calls = new Calls(door, sessions, { size, tools, stream });
      return (slot) => calls.task(slot);
    },
  });
  return roundsCase(name, about, world, ALL_FOUR, load, { long: size >= LARGE });
}

function visitCase(name: string, about: string, { world, line = ALL_FOUR }: { world: World; line?: Line }): Case {
  const load = ({ scale }: CaseContext): Load => ({
    concurrency: 16,
    executes: 1,
    sessions: 1,
    clients: (door) => (slot) => new VisitTask(door, scale.sessions, slot),
  });
  return roundsCase(name, about, world, line, load, { anew: true });
}

export function roundsCase(
  name: string,
  about: string,
  world: World,
  line: Line,
  load: (context: CaseContext) => Load,
  pace: Pace = {},
): Case {
  return {
    name,
    about,
    needs: [],
    metrics: ROUND_METRICS,
    async run(context) {
      const entrants = await standardEntrants(context, world, load(context), line);
      const reports = await interleaved(entrants, context, pace);
      return { name, about, base: 'floor', metrics: ROUND_METRICS, entrants: reports };
    },
  };
}

function clients(count: number): string {
  return count === 1 ? '1 client' : `${count} clients`;
}
