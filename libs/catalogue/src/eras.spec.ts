import { describe, expect, it } from 'vitest';
import type { Listing } from '#libs/mcp';
import { CatalogueService } from './catalogue.service.js';
import { listing, names, page, request, settings, TestDecide, tool } from './testing/listings.js';

const MODERN_HTTP: Partial<Listing> = { era: 'modern', version: '2026-07-28', http: true };
const MODERN_STDIO: Partial<Listing> = { era: 'modern', version: '2026-07-28' };

const mirrored = (name: string, header: string, type = 'string') =>
  tool(name, { inputSchema: { type: 'object', properties: { region: { type, 'x-mcp-header': header } } } });
const TOOLS = [mirrored('good', 'Region'), mirrored('bad', 'no token'), mirrored('number', 'N', 'number')];

function published(...listings: Listing[]): CatalogueService {
  const service = new CatalogueService(new TestDecide());
  service.configure(settings(...listings.map(({ server }) => server)));
  for (const each of listings) service.publish(each);
  return service;
}

describe('parameters mirrored into headers', () => {
  it('cost a tool of a modern HTTP server its place when they are declared wrongly', () => {
    const service = published(listing('a', { tools: TOOLS }, MODERN_HTTP));
    expect(names(service.view(request()), 'tools')).toEqual(['a:good']);
    expect(service.current.quarantined).toMatchObject([
      { name: 'bad', reason: expect.stringContaining('x-mcp-header') },
      { name: 'number', reason: expect.stringContaining('x-mcp-header') },
    ]);
  });

  it.each([
    ['a legacy server', {}],
    ['a legacy HTTP server', { http: true }],
    ['a modern server without HTTP', MODERN_STDIO],
  ])('are dropped where %s declares them wrongly', (_, extra) => {
    const view = published(listing('a', { tools: TOOLS }, extra)).view(request());
    const schemas = page(view, 'tools').items.map((item) => JSON.stringify(item['inputSchema']));
    expect(schemas).toEqual([
      expect.stringContaining('"x-mcp-header":"Region"'),
      '{"type":"object","properties":{"region":{"type":"string"}}}',
      '{"type":"object","properties":{"region":{"type":"number"}}}',
    ]);
    expect(view.paramHeaders(view.tool('a:bad')!).size).toBe(0);
  });

  it('are known by tool', () => {
    const view = published(listing('a', { tools: [...TOOLS, tool('none')] }, MODERN_HTTP)).view(request());
    expect([...view.paramHeaders(view.tool('a:good')!).values()]).toEqual([
      { name: 'Region', path: ['region'], type: 'string' },
    ]);
    expect(view.paramHeaders(view.tool('a:none')!).size).toBe(0);
  });

  it('are judged anew when the server is reached in another way', () => {
    const service = published(listing('a', { tools: TOOLS }, MODERN_STDIO));
    expect(names(service.view(request()), 'tools')).toHaveLength(3);
    service.publish(listing('a', { tools: TOOLS }, MODERN_HTTP));
    expect(names(service.view(request()), 'tools')).toEqual(['a:good']);
  });
});

describe('output schemas that only modern clients take', () => {
  const rows = { type: 'array', items: { type: 'string' } };
  const modern = { ...request(), era: 'modern' } as const;
  const legacy = { ...request(), era: 'legacy' } as const;
  const offered = listing('a', { tools: [tool('x', { outputSchema: rows }), tool('y')] }, MODERN_HTTP);
  const schema = (service: CatalogueService, asked: typeof modern | typeof legacy) =>
    page(service.view(asked), 'tools').items[0]?.['outputSchema'];

  it('are wrapped for legacy clients and left alone for modern ones', () => {
    const service = published(offered);
    expect(schema(service, modern)).toEqual(rows);
    expect(schema(service, legacy)).toEqual({ type: 'object', properties: { result: rows }, required: ['result'] });
    expect(schema(service, modern)).toEqual(rows);
    expect(service.view(modern).key).not.toBe(service.view(legacy).key);
    expect(service.view(modern).fingerprint('tools')).not.toBe(service.view(legacy).fingerprint('tools'));
    expect(service.view(legacy).tool('a:x')?.wrapsOutput).toBe(true);
    expect(service.view(legacy).tool('a:y')?.wrapsOutput).toBeUndefined();
  });

  it('are wrapped for clients of unknown era', () => {
    expect(schema(published(offered), request() as typeof legacy)).toMatchObject({ type: 'object' });
  });

  it('are the only reason for a view to depend on the era', () => {
    const service = published(listing('a', { tools: [tool('x', { outputSchema: { type: 'object' } })] }, MODERN_HTTP));
    expect(service.view(modern).key).toBe(service.view(legacy).key);
  });
});
