import { describe, expect, it } from 'vitest';
import type { Log, Spelling } from '#libs/kernel';
import { CatalogueService } from './catalogue.service.js';
import type { CatalogueSettings, ToolOverride } from './settings.js';
import {
  AGGREGATE,
  listing,
  names,
  page,
  request,
  server,
  serverEndpoint,
  TestDecide,
  tool,
  toolsetEndpoint,
} from './testing/listings.js';

const DOUBLE: Spelling = { separator: '__', maxLength: 64 };

interface Wanted {
  readonly overrides: Readonly<Record<string, ToolOverride>>;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

const shop = ({ overrides, include = ['*'], exclude = [] }: Wanted): CatalogueSettings => ({
  servers: [server('shop', { tools: { include, exclude, overrides } }), server('other')],
  toolsets: [{ name: 'desk', include: ['shop:search_v2', 'other:*'], exclude: [] }],
});

function catalogue(wanted: Wanted, tools: (string | object)[]) {
  const decide = new TestDecide();
  const warnings: string[] = [];
  const keep = (_fields: object, message: string) => void warnings.push(message);
  const log: Log = { debug() {}, info() {}, warn: keep, error: keep };
  const service = new CatalogueService(decide, undefined, log);
  service.configure(shop(wanted));
  service.publish(listing('shop', { tools }));
  service.publish(listing('other', { tools: [tool('search')] }));
  return { service, decide, warnings };
}

const FIND = { overrides: { search_v2: { name: 'find', description: 'Finds articles.' } } };

describe('a tool with a name of the operator’s', () => {
  it.each([
    ['the aggregate', AGGREGATE, ['shop:find', 'shop:buy', 'other:search']],
    ['the server’s own endpoint', serverEndpoint('shop'), ['find', 'buy']],
    ['a toolset', toolsetEndpoint('desk'), ['shop:find', 'other:search']],
  ])('is listed and found under it at %s', (_where, endpoint, expected) => {
    const { service } = catalogue(FIND, [tool('search_v2'), tool('buy')]);
    const view = service.view(request(endpoint));
    expect(names(view, 'tools')).toEqual(expected);
    const found = view.tool(expected[0]!);
    expect(found?.ref).toEqual({ kind: 'tool', server: 'shop', name: 'search_v2' });
    expect(view.tool('shop:search_v2')).toBe(found);
    expect(view.meant('tools', expected[0]!)).toEqual(found?.ref);
  });

  it('keeps the name of its own where the server’s own names are taken', () => {
    const { service } = catalogue(FIND, [tool('search_v2')]);
    expect(service.view(request(serverEndpoint('shop'))).tool('search_v2')?.ref.name).toBe('search_v2');
    expect(service.view(request()).tool('search_v2')).toBeUndefined();
  });

  it('is spelled for its client like any other', () => {
    const { service } = catalogue({ overrides: { x: { name: 'n'.repeat(100) } } }, [tool('x')]);
    const view = service.view(request(AGGREGATE, DOUBLE));
    const [shown] = names(view, 'tools');
    expect(shown).toMatch(/^shop__n+_[a-z2-7]{6}$/);
    expect(view.tool(shown!)?.ref.name).toBe('x');
  });

  it('is decided by its own name', () => {
    const { service, decide } = catalogue(FIND, [tool('search_v2'), tool('buy')]);
    decide.rule = (_principal, { name }) => name !== 'search_v2';
    decide.policyVersion += 1;
    const view = service.view(request());
    expect(names(view, 'tools')).toEqual(['shop:buy', 'other:search']);
    expect(view.tool('shop:find')).toBeUndefined();
    expect(view.tool('shop:search_v2')).toBeUndefined();
  });

  it('may have the name of a tool that is left out', () => {
    const wanted = { overrides: { search_v2: { name: 'search' } }, exclude: ['search'] };
    const { service, warnings } = catalogue(wanted, [tool('search'), tool('search_v2')]);
    for (const [endpoint, name] of [
      [AGGREGATE, 'shop:search'],
      [serverEndpoint('shop'), 'search'],
    ] as const) {
      const view = service.view(request(endpoint));
      expect(names(view, 'tools')[0]).toBe(name);
      expect(view.tool(name)?.ref.name).toBe('search_v2');
    }
    expect(warnings).toEqual([]);
  });

  it('keeps its own name where another tool has the wanted one, and the log says so once', () => {
    const wanted = { overrides: { search_v2: { name: 'search', description: 'New.' } } };
    const { service, warnings } = catalogue(wanted, [tool('search_v2'), tool('search')]);
    const view = service.view(request(serverEndpoint('shop')));
    expect(names(view, 'tools')).toEqual(['search_v2', 'search']);
    expect(page(view, 'tools').items[0]).toMatchObject({ description: 'New.' });
    expect(view.tool('search')?.ref.name).toBe('search');
    service.publish(listing('shop', { tools: [tool('search_v2'), tool('search'), tool('more')] }));
    expect(warnings).toEqual([
      "shop: tool 'search_v2' is not shown as configured: the name search belongs to another tool of shop; choose another, or exclude that one",
    ]);
  });

  it('takes no name from a tool that two spellings bring to it', () => {
    const wanted = { overrides: { a: { name: 'gr__e_qkc5dl' } } };
    const { service } = catalogue(wanted, [tool('grüße'), tool('a')]);
    const view = service.view(request());
    const [first] = names(view, 'tools');
    expect(names(view, 'tools').filter((name) => name === first)).toHaveLength(1);
    expect(view.tool(first!)).toBeDefined();
  });
});

describe('a tool with a description of the operator’s', () => {
  it('has all its other bytes as the upstream sent them', () => {
    const sent =
      '{"inputSchema":{"type":"object","max":12345678901234567890},"name":"x","description":"Old","v":[1.0]}';
    const { service } = catalogue({ overrides: { x: { description: 'New "one"' } } }, [sent]);
    expect(
      service
        .view(request(serverEndpoint('shop')))
        .list('tools', undefined)
        .toString(),
    ).toBe(`{"tools":[${sent.replace('"Old"', '"New \\"one\\""')}]}`);
  });

  it('gets one where the upstream gave none', () => {
    const { service } = catalogue({ overrides: { x: { description: 'Says what.' } } }, [tool('x')]);
    expect(page(service.view(request()), 'tools').items[0]).toMatchObject({
      name: 'shop:x',
      description: 'Says what.',
    });
  });
});

describe('an override', () => {
  it('of a tool that is not there is told', () => {
    const { warnings } = catalogue({ overrides: { gone: { name: 'x' } } }, [tool('a')]);
    expect(warnings).toEqual([
      "shop: tool 'gone' is not shown as configured: shop lists no such tool; see tools.overrides",
    ]);
  });

  it('that changes is a change of the lists, one that stays is none', () => {
    const { service } = catalogue(FIND, [tool('search_v2')]);
    const changes: unknown[] = [];
    service.changes.on('changed', ({ kinds, servers }) => changes.push({ kinds, servers }));
    const before = service.view(request()).fingerprint('tools');
    service.configure(shop(FIND));
    expect(changes).toEqual([]);
    for (const override of [{ name: 'find' }, { name: 'look', description: 'Finds articles.' }, {}]) {
      service.configure(shop({ overrides: { search_v2: override } }));
      expect(service.view(request()).fingerprint('tools')).not.toBe(before);
      expect(changes.splice(0)).toEqual([{ kinds: ['tools'], servers: ['shop'] }]);
    }
  });
});
