import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIST_KINDS, type Listing } from '#libs/mcp';
import { PublishedListing } from './published-listing.js';

const HOUR = 3_600_000;

let told: string[];

beforeEach(() => {
  told = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const listsOf = (inherited?: Listing) =>
  new PublishedListing(
    {
      listed: ({ items }) => told.push(`listed ${items.tools.join()}`),
      withdrawn: () => told.push('withdrawn'),
    },
    inherited,
  );

const listing = (tool: string, rest: Partial<Listing> = {}): Listing => ({
  server: 'lab',
  era: 'modern',
  version: '2026-07-28',
  capabilities: { tools: {} },
  serverInfo: {},
  items: { tools: [Buffer.from(tool)], prompts: [], resources: [], templates: [] },
  failed: {},
  ...rest,
});

const found = (tool: string, rest?: Partial<Listing>, complaints: readonly string[] = []) => ({
  listing: listing(tool, rest),
  complaints,
});

describe('what the service session listed', () => {
  it('is told when it says something new, and stays the very same while it does not', () => {
    const lists = listsOf();
    lists.found(LIST_KINDS, found('a'));
    const { current } = lists;
    lists.found(LIST_KINDS, found('a'));
    expect(lists.current).toBe(current);
    lists.found(LIST_KINDS, found('b'));
    expect(told).toEqual(['listed a', 'listed b']);
  });

  it('names the lists that failed and what is amiss, until nothing is', () => {
    const lists = listsOf();
    const complaints = ['tools/list failed: no', 'prompts/list: cut'];
    expect(lists.found(LIST_KINDS, found('a', { failed: { tools: 'no' } }, complaints))).toEqual(['tools']);
    expect(lists.complaint).toBe('tools/list failed: no; prompts/list: cut');
    expect(lists.found(['tools'], found('a'))).toEqual([]);
    expect(lists.complaint).toBeUndefined();
  });

  it('is withdrawn when the upstream is down for longer than the grace time, counted from the first failure', () => {
    const lists = listsOf();
    lists.found(LIST_KINDS, found('a'));
    lists.expire(1_000);
    vi.advanceTimersByTime(600);
    lists.expire(1_000);
    vi.advanceTimersByTime(399);
    expect(lists.current).toBeDefined();
    vi.advanceTimersByTime(1);
    expect(lists.current).toBeUndefined();
    lists.expire(1_000);
    vi.advanceTimersByTime(HOUR);
    expect(told).toEqual(['listed a', 'withdrawn']);
  });

  it('is told again after it was withdrawn, and not where the upstream is back in time', () => {
    const lists = listsOf();
    lists.found(LIST_KINDS, found('a'));
    lists.expire(1_000);
    lists.found(LIST_KINDS, found('a'));
    vi.advanceTimersByTime(HOUR);
    expect(told).toEqual(['listed a']);
    lists.expire(1_000);
    vi.advanceTimersByTime(1_000);
    lists.found(LIST_KINDS, found('a'));
    expect(told).toEqual(['listed a', 'withdrawn', 'listed a']);
  });

  it('is what the upstream had under its earlier configuration, until there is something new or time is over', () => {
    const before = listing('a');
    const same = listsOf(before);
    expect(same.current).toBe(before);
    same.found(LIST_KINDS, found('a'));
    const down = listsOf(before);
    down.expire(1_000);
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual(['withdrawn']);
  });

  it('is withdrawn no more once the upstream is stopped', () => {
    const lists = listsOf(listing('a'));
    lists.expire(1_000);
    lists.stop();
    vi.advanceTimersByTime(HOUR);
    expect(told).toEqual([]);
  });

  it('is fresh for as long as the upstream said, an hour at most, and only where it was fetched', () => {
    const freshness = {
      tools: { ttl: 1_000, scope: 'public' },
      resources: { ttl: 9 * HOUR, scope: 'public' },
    } as const;
    const lists = listsOf();
    expect(lists.fresh('tools')).toBe(false);
    lists.found(['tools', 'resources'], found('a', { freshness: { ...freshness, prompts: freshness.tools } }));
    expect([lists.fresh('tools'), lists.fresh('prompts'), lists.fresh('resources')]).toEqual([true, false, true]);
    vi.advanceTimersByTime(1_000);
    expect([lists.fresh('tools'), lists.fresh('resources')]).toEqual([false, true]);
    vi.advanceTimersByTime(HOUR);
    expect(lists.fresh('resources')).toBe(false);
  });

  it('is not fresh where it failed', () => {
    const freshness = { tools: { ttl: 1_000, scope: 'public' } } as const;
    const lists = listsOf();
    lists.found(['tools'], found('a', { freshness, failed: { tools: 'no' } }));
    expect(lists.fresh('tools')).toBe(false);
  });
});
