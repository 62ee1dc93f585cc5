import type { OrderPlan } from '../chaos/orders.js';
import type { UpstreamPlan } from '../chaos/world/upstreams.js';
import type { WorldPlan } from '../chaos/world/world.js';
import { type Caller, caller } from '../support/callers.js';

/** Who calls: what belongs to one of them must never reach another. */
export const CALLERS: readonly [Caller, ...Caller[]] = [
  caller('ann', { team: 'soak' }),
  caller('ben', { team: 'soak' }),
];

/** Short, so that what ends by itself ends many times in a run, and what is still there after it is a leak. */
export const IDLE_MS = 10_000;
const idle = `${IDLE_MS}ms`;
const connection = { timeout: '5s', max_total: '10s', idle };
/** Shorter still, for calls that get no answer hold a client back until then. */
const impatient = { timeout: '1s', max_total: '2s', idle, limits: { event: '1MiB' } };

/** Killed and started again at times of the seed's. */
export const FLAPPING = ['child-flaps', 'sessions-flap', 'modern-flaps'];
export const SLOW = 'slow';
export const FAULTY = 'faulty';
/** Servers that ask back. */
export const ASKING = ['child', 'sessions', 'modern', ...FLAPPING];

export const UPSTREAMS: readonly UpstreamPlan[] = [
  { name: 'child', kind: 'stdio', connection },
  { name: 'child-flaps', kind: 'stdio', connection },
  { name: 'sessions', kind: 'http-sessions', connection },
  { name: 'sessions-flap', kind: 'http-sessions', connection },
  { name: SLOW, kind: 'http-stream', connection },
  { name: 'modern', kind: 'modern', connection },
  { name: 'modern-flaps', kind: 'modern', connection },
  { name: FAULTY, kind: 'faulty', connection: impatient },
];

/** Everything that keeps something per call, caller, client or tool is on: audit, limits, permissions, metrics. */
export const WORLD: WorldPlan = {
  upstreams: UPSTREAMS,
  proxy: {
    heartbeat: { interval: '2s', timeout: '2s', failures: 2 },
    retry: { initial: '100ms', max: '2s' },
    breaker: { wait: '1s' },
    discovery: { interval: '10s' },
  },
  // A machine that is busy with other things must not look like a gateway that sheds load.
  server: {
    shutdown: { drain: '1s', timeout: '20s' },
    limits: { ask: '30s', session_idle: '1m', event_loop_delay: '10s' },
  },
  sections: {
    audit: { to: 'audit.jsonl', arguments: true },
    rate_limit: [
      { key: 'client', limit: 1_000_000, per: '60s', concurrency: 1_000 },
      { key: 'tool', limit: 1_000_000, per: '60s' },
      { key: 'principal', limit: 1_000_000, per: '60s' },
    ],
    api_keys: CALLERS.map(({ entry }) => entry),
    auth: { claims: ['team'], mappings: { 'team:soak': ['scope:use'] }, permissions: { '*:*': ['scope:use'] } },
  },
  beside: async () => ({ headers: CALLERS[0].headers, close: async () => {} }),
};

export const USUAL: OrderPlan = {
  upstreams: UPSTREAMS.map(({ name }) => name),
  tools: ['work', 'work', 'look'],
  ms: [0, 0, 0, 5, 50],
  sizes: [0, 100, 100, 1_000, 5_000, 50_000],
};

/** For clients that can be asked. */
export const WITH_QUESTIONS: OrderPlan = { ...USUAL, upstreams: ASKING, asking: 0.5 };

/** Milliseconds the slow upstream takes. */
export const SLOW_MS = [200, 500, 1_000];
