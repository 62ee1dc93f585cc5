import { describe, expect, it } from 'vitest';
import type { Tally } from '../chaos/ledger/count.js';
import { gaugesIn, type Look } from './look.js';
import { type Evidence, findings, type Memory, RSS_CAP, SHORTEST } from './verdict.js';

const MIB = 1024 * 1024;
const LOOK: Look = {
  sessions: 0,
  streams: 0,
  upstreamSessions: 8,
  pending: 0,
  upstreamPending: 0,
  parked: 0,
  handles: { socket: 20, pipe: 11 },
  children: 3,
};
const TALLY: Tally = { sent: 900, right: 890, clear: 10, wrong: 0, lost: 0, slowest: 0, errors: {}, faults: [] };

/** Half an hour with a sample each ten seconds. */
function memory(heap: (minute: number) => number, rss = 180 * MIB): Memory[] {
  return Array.from({ length: 180 }, (_, n) => {
    const at = (n + 1) * 10;
    return { at, rss, heap: heap(at / 60), external: 5 * MIB };
  });
}

function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    minutes: 30,
    memory: memory(() => 45 * MIB),
    before: LOOK,
    after: LOOK,
    tally: TALLY,
    tallies: new Map([['one', TALLY]]),
    problems: [],
    ...changes,
  };
}

const broken = (changes: Partial<Evidence>): string[] =>
  findings(evidence(changes))
    .filter(({ state }) => state === 'broken')
    .map(({ rule, said }) => `${rule}: ${said}`);

describe('the verdict on a run', () => {
  it('finds nothing where all is as it should be', () => {
    expect(findings(evidence()).map(({ state }) => state)).toEqual(Array(6).fill('kept'));
  });

  it.each([
    ['wrong', { wrong: 1 }],
    ['lost', { lost: 1 }],
  ])('finds one answer that is %s', (_what, changes) => {
    const tally = { ...TALLY, ...changes, faults: ['x.1: not its own answer'] };
    expect(broken({ tally })).toEqual([expect.stringMatching(/x\.1: not its own answer/)]);
  });

  it('finds an upstream that gave no right answer', () => {
    const tallies = new Map([
      ['one', TALLY],
      ['two', { ...TALLY, right: 0, clear: 900 }],
    ]);
    expect(broken({ tallies })).toEqual([expect.stringContaining('two 0 of 900')]);
    expect(broken({ tallies: new Map() })).toHaveLength(1);
  });

  it.each<[string, Partial<Look>]>([
    ['socket 20 -> 21', { handles: { socket: 21, pipe: 11 } }],
    ['eventpoll 0 -> 1', { handles: { ...LOOK.handles, eventpoll: 1 } }],
    ['children 3 -> 4', { children: 4 }],
    ['children 3 -> 2', { children: 2 }],
    ['sessions 0 -> 1', { sessions: 1 }],
    ['streams 0 -> 1', { streams: 1 }],
    ['upstreamSessions 8 -> 9', { upstreamSessions: 9 }],
    ['pending 0 -> 1', { pending: 1 }],
    ['upstreamPending 0 -> 1', { upstreamPending: 1 }],
    ['parked 0 -> 1', { parked: 1 }],
  ])('finds what is left: %s', (said, changes) => {
    expect(broken({ after: { ...LOOK, ...changes } })).toEqual([expect.stringContaining(said)]);
  });

  it('finds a single moment above the cap of resident memory', () => {
    const samples = memory(() => 45 * MIB);
    samples[90] = { ...(samples[90] as Memory), rss: RSS_CAP };
    expect(broken({ memory: samples })).toEqual([expect.stringMatching(/resident memory/)]);
  });

  it('finds a heap that keeps growing, and none that has grown before', () => {
    // Of the thirds 10..20 and 20..30 the middles are ten minutes apart.
    const growing = (perMinute: number) => memory((minute) => 45 * MIB * (1 + perMinute * minute));
    expect(broken({ memory: growing(0.0025) })).toEqual([expect.stringMatching(/heap grows .*2\.\d\d %/)]);
    expect(broken({ memory: growing(0.001) })).toEqual([]);
    expect(broken({ memory: memory((minute) => Math.min(30 + minute * 3, 45) * MIB) })).toEqual([]);
  });

  it('takes a few full collections that came at a bad moment for none', () => {
    const noisy = memory(() => 45 * MIB).map((one, n) => (n % 10 === 0 ? { ...one, heap: one.heap * 1.2 } : one));
    expect(broken({ memory: noisy })).toEqual([]);
  });

  it('judges no growth of the heap in a short run, and says so; everything else it does', () => {
    const short = evidence({ minutes: 0.5, memory: memory((minute) => (40 + minute) * MIB) });
    const heap = findings(short).find(({ rule }) => rule.startsWith('the heap'));
    expect(heap).toMatchObject({ state: 'not judged', said: expect.stringContaining(`${SHORTEST} minutes`) });
    expect(broken({ ...short, tally: { ...TALLY, lost: 1 }, after: { ...LOOK, children: 4 } })).toHaveLength(2);
  });

  it('finds whatever else was seen', () => {
    expect(broken({ problems: ['the gateway exited with 1'] })).toEqual([expect.stringContaining('exited with 1')]);
  });
});

describe('reading the gauges', () => {
  const NAMES = ['sessions', 'streams', 'upstream_sessions', 'requests_in_flight', 'upstream_requests_in_flight'];
  const text = [...NAMES, 'parked_calls'].map((name, n) => `# TYPE x gauge\nmcp_gateway_${name} ${n + 1}`).join('\n');

  it('adds up what has labels', () => {
    const more = `${text}\nmcp_gateway_upstream_sessions{proxy="a"} 10\nmcp_gateway_upstream_sessions{proxy="b"} 20\n`;
    expect(gaugesIn(more)).toMatchObject({ sessions: 1, streams: 2, upstreamSessions: 33, parked: 6 });
  });

  it('takes no gauge that is missing for zero', () => {
    expect(() => gaugesIn(text.replace('mcp_gateway_streams', 'mcp_gateway_rivers'))).toThrow(/mcp_gateway_streams/);
  });
});
