import { describe, expect, it } from 'vitest';
import { type Freshness, principal } from '#libs/kernel';
import type { Listing } from '#libs/mcp';
import { CatalogueService } from './catalogue.service.js';
import type { ViewRequest } from './contract.js';
import { CatalogueOptions } from './settings.js';
import { AGGREGATE, COLON, listing, request, serverEndpoint, settings, TestDecide, tool } from './testing/listings.js';

const fresh = (ttl: number, scope: Freshness['scope'] = 'public'): Partial<Listing> => ({
  era: 'modern',
  freshness: { tools: { ttl, scope }, prompts: { ttl, scope }, resources: { ttl, scope }, templates: { ttl, scope } },
});
const ann = principal('https://idp', 'ann');

function catalogue(...servers: string[]) {
  let now = 1_000_000;
  const decide = new TestDecide();
  const options = Object.assign(new CatalogueOptions(), { now: () => now });
  const service = new CatalogueService(decide, options);
  service.configure(settings(...servers));
  const publish = (name: string, extra: Partial<Listing>) =>
    service.publish(listing(name, { tools: [tool('x'), tool('y')] }, extra));
  const tools = (asked: ViewRequest = request()) => service.view(asked).freshness('tools');
  return { service, decide, publish, tools, pass: (ms: number) => (now += ms) };
}

describe('how long a list may be kept', () => {
  it('is the least of its upstreams, and private when one of them is', () => {
    const { publish, tools } = catalogue('a', 'b');
    publish('a', fresh(30_000));
    publish('b', fresh(20_000));
    expect(tools()).toEqual({ ttl: 20_000, scope: 'public' });
    publish('b', fresh(40_000, 'private'));
    expect(tools()).toEqual({ ttl: 30_000, scope: 'private' });
  });

  it('is a minute at most', () => {
    const { publish, tools } = catalogue('a');
    publish('a', fresh(86_400_000));
    expect(tools().ttl).toBe(60_000);
    publish('a', fresh(Number.POSITIVE_INFINITY));
    expect(tools().ttl).toBe(60_000);
  });

  it('shrinks with age and starts anew when the same list comes again, which is no change', () => {
    const { service, publish, tools, pass } = catalogue('a');
    publish('a', fresh(30_000));
    const { generation } = service.current;
    pass(10_000.5);
    expect(tools().ttl).toBe(19_999);
    pass(30_000);
    expect(tools().ttl).toBe(0);
    publish('a', fresh(25_000));
    expect(tools().ttl).toBe(25_000);
    pass(-5_000);
    expect(tools().ttl).toBe(25_000);
    expect(service.current.generation).toBe(generation);
  });

  it.each<[string, Partial<Listing>]>([
    ['is legacy', { era: 'legacy' }],
    ['says nothing of it', { era: 'modern', freshness: {} }],
    ['could not list', { ...fresh(30_000), failed: { tools: 'it timed out' } }],
    ['says never', fresh(0)],
    ['says less than never', fresh(-1)],
  ])('is no time when an upstream %s', (_, extra) => {
    const { publish, tools } = catalogue('a', 'b');
    publish('a', fresh(30_000));
    publish('b', extra);
    expect(tools().ttl).toBe(0);
  });

  it('is no time while an upstream is not there', () => {
    const { service, publish, tools } = catalogue('a', 'b');
    publish('a', fresh(30_000));
    expect(tools()).toEqual({ ttl: 0, scope: 'private' });
    expect(tools({ ...request(), endpoint: serverEndpoint('a') }).ttl).toBe(30_000);
    expect(tools({ ...request(), endpoint: serverEndpoint('b') }).ttl).toBe(0);
    publish('b', fresh(30_000));
    expect(tools().ttl).toBe(30_000);
    service.withdraw('b');
    expect(tools().ttl).toBe(0);
  });

  it('does not mind upstreams that have no such list', () => {
    const { service, publish, tools } = catalogue('a', 'b');
    publish('a', fresh(30_000));
    service.publish(listing('b', {}, { capabilities: { prompts: {} } }));
    expect(tools().ttl).toBe(30_000);
    expect(service.view(request()).freshness('prompts').ttl).toBe(0);
  });
});

describe('who may keep a list', () => {
  it('is its reader alone when decisions about the reader are in it, or may be', () => {
    const { decide, publish, tools } = catalogue('a');
    publish('a', fresh(30_000));
    expect(tools().scope).toBe('public');
    expect(tools(request(AGGREGATE, COLON, ann))).toEqual({ ttl: 30_000, scope: 'private' });
    decide.rule = (_, { name }) => name !== 'y';
    decide.policyVersion += 1;
    expect(tools()).toEqual({ ttl: 30_000, scope: 'private' });
  });

  it('is its reader alone when the list depends on what the client declared', () => {
    const { publish, tools } = catalogue('a');
    const only = { tools: [['x', ['e']]] as const, prompts: [], resources: [], templates: [] };
    publish('a', { ...fresh(30_000), audiences: { probed: ['', 'e'], only } });
    for (const capabilities of ['', 'e']) expect(tools({ ...request(), capabilities }).scope).toBe('private');
  });
});
