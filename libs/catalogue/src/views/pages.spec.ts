import { describe, expect, it } from 'vitest';
import { GatewayError, principal } from '#libs/kernel';
import { CatalogueService } from '../catalogue.service.js';
import { CatalogueOptions } from '../settings.js';
import {
  AGGREGATE,
  COLON,
  listing,
  names,
  page,
  prompt,
  request,
  serverEndpoint,
  settings,
  TestDecide,
  tool,
} from '../testing/listings.js';

const tools = (...own: string[]) => ({ tools: own.map((name) => tool(name)) });

function catalogue(pageItems: number, options: Partial<CatalogueOptions> = {}) {
  const clock = { now: 0 };
  const decide = new TestDecide();
  const all = Object.assign(new CatalogueOptions(), { pageItems, now: () => clock.now, ...options });
  const service = new CatalogueService(decide, all);
  service.configure(settings('a', 'b', 'c'));
  service.publish(listing('a', tools('1', '2', '3')));
  service.publish(listing('b', tools('1', '2', '3')));
  return { service, decide, clock };
}

describe('one page', () => {
  it('holds all of 1,000 tools, encoded once', () => {
    const service = new CatalogueService(new TestDecide());
    service.configure(settings('a'));
    const many = Array.from({ length: 1000 }, (_, i) => `tool_${i}`);
    service.publish(listing('a', tools(...many)));
    const first = service.view(request()).list('tools', undefined);
    expect(JSON.parse(first.toString()).tools).toHaveLength(1000);
    expect(service.view(request()).list('tools', undefined)).toBe(first);
    service.publish(listing('a', { ...tools(...many), prompts: [prompt('p')] }));
    expect(service.view(request()).list('tools', undefined)).toBe(first);
  });

  it('is still right when the cache keeps nothing', () => {
    const { service } = catalogue(2, { listCacheBytes: 0 });
    expect(names(service.view(request()), 'tools')).toEqual(['a:1', 'a:2', 'a:3', 'b:1', 'b:2', 'b:3']);
  });

  it('ends after the item that takes it past the bytes', () => {
    const { service } = catalogue(2000, { pageBytes: 100 });
    const { items, next } = page(service.view(request()), 'tools');
    expect(items).toHaveLength(3);
    expect(next).toBeDefined();
  });

  it('holds one item larger than a page', () => {
    const { service } = catalogue(2000, { pageBytes: 1 });
    expect(page(service.view(request()), 'tools').items).toHaveLength(1);
    expect(names(service.view(request()), 'tools')).toHaveLength(6);
  });

  it('has no cursor when nothing follows', () => {
    const { service } = catalogue(6);
    expect(service.view(request()).list('tools', undefined).includes('nextCursor')).toBe(false);
  });
});

describe('further pages', () => {
  const second = (view: ReturnType<CatalogueService['view']>, cursor: string | undefined) =>
    page(view, 'tools', cursor).items.map((item) => item['name']);

  it('go on after the last item when the list has changed since', () => {
    const { service } = catalogue(2);
    const { next } = page(service.view(request()), 'tools');
    service.publish(listing('a', tools('0', '1', '2', '2.5', '3')));
    expect(second(service.view(request()), next)).toEqual(['a:2.5', 'a:3']);
  });

  it('go on where the last item was when it is gone', () => {
    const { service } = catalogue(2);
    const { next } = page(service.view(request()), 'tools');
    service.publish(listing('a', tools('1', '3')));
    expect(second(service.view(request()), next)).toEqual(['a:3', 'b:1']);
  });

  it('go on after the last item when the caller may not see it any more', () => {
    const { service, decide } = catalogue(2);
    const { next } = page(service.view(request()), 'tools');
    decide.rule = (_, { name }) => name !== '2';
    decide.policyVersion += 1;
    expect(second(service.view(request()), next)).toEqual(['a:3', 'b:1']);
  });

  it('go on with the next server when the last item’s is gone', () => {
    const { service } = catalogue(4);
    const { next } = page(service.view(request()), 'tools');
    service.publish(listing('c', tools('1')));
    service.withdraw('b');
    expect(second(service.view(request()), next)).toEqual(['c:1']);
    service.configure(settings('a', 'c'));
    expect(second(service.view(request()), next)).toEqual(['c:1']);
  });

  it('end when everything behind is gone', () => {
    const { service } = catalogue(4);
    const { next } = page(service.view(request()), 'tools');
    service.withdraw('b');
    expect(page(service.view(request()), 'tools', next)).toEqual({ items: [], next: undefined });
  });

  it('are refused to anybody else, for anything else and after their time', () => {
    const { service, clock } = catalogue(2);
    service.publish(listing('a', { ...tools('1', '2', '3'), prompts: [prompt('p')] }));
    const cursor = page(service.view(request()), 'tools').next as string;
    const refused = (view: ReturnType<CatalogueService['view']>, kind: 'tools' | 'prompts', text: string) => {
      expect(() => view.list(kind, text)).toThrowError(expect.objectContaining({ code: 'INVALID_CURSOR' }));
      expect(() => view.list(kind, text)).toThrowError(GatewayError);
    };
    const view = service.view(request());
    refused(view, 'prompts', cursor);
    refused(view, 'tools', '');
    refused(view, 'tools', 'x');
    refused(view, 'tools', `${cursor}A`);
    refused(service.view(request(AGGREGATE, COLON, principal('i', 'ann'))), 'tools', cursor);
    refused(service.view(request(serverEndpoint('a'))), 'tools', cursor);
    refused(service.view(request(AGGREGATE, { separator: '__', maxLength: 64 })), 'tools', cursor);
    refused(catalogue(2).service.view(request()), 'tools', cursor);
    clock.now += 600_001;
    refused(view, 'tools', cursor);
  });

  it('open in another process with the same key', () => {
    const cursorKey = Buffer.alloc(32, 7);
    const { next } = page(catalogue(2, { cursorKey }).service.view(request()), 'tools');
    expect(second(catalogue(2, { cursorKey }).service.view(request()), next)).toEqual(['a:3', 'b:1']);
  });

  it('do not mix up callers who see different things under the same list', () => {
    const { service, decide } = catalogue(2);
    decide.rule = ({ subject }, { server }) => subject !== 'eve' || server === 'b';
    const eve = service.view(request(AGGREGATE, COLON, principal('i', 'eve')));
    expect(names(eve, 'tools')).toEqual(['b:1', 'b:2', 'b:3']);
    service.withdraw('a');
    expect(names(service.view(request()), 'tools')).toEqual(['b:1', 'b:2', 'b:3']);
  });
});
