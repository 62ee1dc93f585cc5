import { describe, expect, it } from 'vitest';
import { CatalogueService } from './catalogue.service.js';
import { AGGREGATE, COLON, listing, names, request, settings, TestDecide, tool } from './testing/listings.js';

const LIMITS = { item: 2_000, schema: 200, description: 100 };

function catalogue(itemLimits = LIMITS) {
  const service = new CatalogueService(new TestDecide());
  const reached: string[] = [];
  service.changes.on('limited', ({ key }) => reached.push(key));
  service.configure({ ...settings('a'), itemLimits });
  const offered = () => names(service.view(request(AGGREGATE, COLON)), 'tools');
  return { service, reached, offered };
}

const long = (bytes: number) => 'x'.repeat(bytes);
const schema = (bytes: number) => ({ inputSchema: { type: 'object', x: long(bytes) } });

describe('limits on what an upstream offers', () => {
  it.each([
    ['proxy.discovery.item', tool('big', { title: long(3_000) }), ['a:small']],
    ['proxy.discovery.schema', tool('big', schema(300)), ['a:small']],
    ['proxy.discovery.description', tool('big', { description: long(300) }), ['a:big', 'a:small']],
  ])('%s: what is beyond is left out or cut, and counted once', (key, item, left) => {
    const { service, reached, offered } = catalogue();
    service.publish(listing('a', { tools: [item, tool('small')] }));
    expect(offered()).toEqual(left);
    expect(reached).toEqual([key]);
    service.publish(listing('a', { tools: [item, tool('small'), tool('another')] }));
    expect(reached).toEqual([key]);
  });

  it('an output schema that is too large is taken away, and the tool stays', () => {
    const { service, reached, offered } = catalogue();
    service.publish(listing('a', { tools: [tool('big', { outputSchema: schema(300).inputSchema })] }));
    expect(offered()).toEqual(['a:big']);
    expect(reached).toEqual(['proxy.discovery.schema']);
  });

  it('a list that was cut on its way is counted, once', () => {
    const { service, reached } = catalogue();
    const cut = { tools: 'proxy.discovery.items' };
    service.publish(listing('a', { tools: [tool('x')] }, { cut }));
    service.publish(listing('a', { tools: [tool('x'), tool('y')] }, { cut }));
    expect(reached).toEqual(['proxy.discovery.items']);
  });

  it('others hold for a listing that is published again after the configuration changed', () => {
    const { service, offered } = catalogue();
    const offer = listing('a', { tools: [tool('big', schema(300))] });
    service.publish(offer);
    expect(offered()).toEqual([]);
    expect(service.configure({ ...settings('a'), itemLimits: { ...LIMITS, schema: 1_000 } })).toBe(true);
    service.publish(offer);
    expect(offered()).toEqual(['a:big']);
    expect(service.configure({ ...settings('a'), itemLimits: { ...LIMITS, schema: 1_000 } })).toBe(false);
  });
});
