import { describe, expect, it } from 'vitest';
import { principal } from '#libs/kernel';
import { CatalogueService } from '../catalogue.service.js';
import {
  AGGREGATE,
  COLON,
  type Items,
  listing,
  request,
  resource,
  serverEndpoint,
  settings,
  TestDecide,
  template,
  tool,
} from '../testing/listings.js';

function catalogue(offers: Record<string, Items>) {
  const decide = new TestDecide();
  const service = new CatalogueService(decide);
  service.configure(settings(...Object.keys(offers)));
  for (const [name, items] of Object.entries(offers)) service.publish(listing(name, items));
  return { service, decide, view: () => service.view(request()) };
}

const OFFERS = {
  fs: { resources: [resource('file:///a'), resource('memo:shared')], templates: [template('file:///docs/{name}')] },
  git: {
    resources: [resource('memo:shared'), resource('https://example.com/a')],
    templates: [template('repo://{owner}/{name}'), template('file:///docs/{any}')],
  },
};

describe('resource', () => {
  it.each([
    ['fs+file:///a', 'fs', 'file:///a'],
    ['fs+file:///not/listed', 'fs', 'file:///not/listed'],
    ['git+memo:shared', 'git', 'memo:shared'],
    ['git+https://example.com/a', 'git', 'https://example.com/a'],
    ['file:///a', 'fs', 'file:///a'],
    ['https://example.com/a', 'git', 'https://example.com/a'],
    ['repo://me/it', 'git', 'repo://me/it'],
  ])('%s goes to %s as %s', (sent, server, uri) => {
    expect(catalogue(OFFERS).view().resource(sent)).toEqual({ server, uri });
  });

  it.each([
    ['a bare URI that two servers list', 'memo:shared'],
    ['a bare URI that templates of two servers cover', 'file:///docs/a'],
    ['a bare URI nobody knows', 'memo:other'],
    ['an unknown server', 'hg+file:///a'],
    ['an empty rest', 'fs+'],
    ['nothing', ''],
    ['control characters', 'fs+file:///a\n'],
    ['more than 8 KiB', `fs+file:///${'a'.repeat(9000)}`],
  ])('%s goes nowhere', (_, sent) => {
    expect(catalogue(OFFERS).view().resource(sent)).toBeUndefined();
  });

  it('does not take a URI that climbs out of a template for covered', () => {
    const { view } = catalogue({ git: OFFERS.git });
    expect(view().resource('repo://me/it')).toBeDefined();
    for (const uri of ['repo://../it', 'repo://%2e%2E/it', 'repo://me/..', 'repo://me/a\\b']) {
      expect(view().resource(uri)).toBeUndefined();
    }
  });

  it('never routes to a server without resources', () => {
    const { service } = catalogue({ a: { tools: [tool('x')] } });
    service.publish(listing('a', { tools: [tool('x')] }, { capabilities: { tools: {} } }));
    expect(service.view(request()).resource('a+m:1')).toBeUndefined();
    expect(service.view(request(serverEndpoint('a'))).resource('m:1')).toBeUndefined();
  });

  it('passes any URI on behind one server', () => {
    const view = catalogue(OFFERS).service.view(request(serverEndpoint('fs')));
    expect(view.resource('memo:other')).toEqual({ server: 'fs', uri: 'memo:other' });
    expect(view.resource('git+memo:shared')).toEqual({ server: 'fs', uri: 'git+memo:shared' });
  });

  it('treats hidden like unknown, listed or not, prefixed or bare', () => {
    const { service, decide } = catalogue(OFFERS);
    decide.rule = (_, { name }) => !name.startsWith('file:') && name !== 'memo:shared';
    for (const endpoint of [AGGREGATE, serverEndpoint('fs')]) {
      const view = service.view(request(endpoint));
      for (const uri of ['file:///a', 'fs+file:///a', 'file:///other', 'fs+file:///other', 'file:///docs/a']) {
        if (endpoint === AGGREGATE || !uri.startsWith('fs+')) expect(view.resource(uri)).toBeUndefined();
      }
    }
  });

  it('finds the one owner of a bare URI among those the caller sees', () => {
    const { service, decide } = catalogue(OFFERS);
    decide.rule = (_, { server }) => server === 'git';
    expect(service.view(request()).resource('memo:shared')).toEqual({ server: 'git', uri: 'memo:shared' });
  });

  it('asks for the URI itself where a template covers it', () => {
    const { service, decide } = catalogue({ git: OFFERS.git });
    decide.rule = (_, { name }) => name !== 'repo://me/secret';
    expect(service.view(request()).resource('repo://me/open')).toBeDefined();
    expect(service.view(request()).resource('repo://me/secret')).toBeUndefined();
  });
});

describe('template', () => {
  it.each([
    ['fs+file:///docs/{name}', 'fs', 'file:///docs/{name}'],
    ['git+repo://{owner}/{name}', 'git', 'repo://{owner}/{name}'],
    ['repo://{owner}/{name}', 'git', 'repo://{owner}/{name}'],
    ['fs+file:///a', 'fs', 'file:///a'],
  ])('%s is of %s', (sent, server, uri) => {
    expect(catalogue(OFFERS).view().template(sent)).toMatchObject({ server, uri });
  });

  it('wants a template that is listed, exactly', () => {
    const { view } = catalogue(OFFERS);
    expect(view().template('fs+file:///docs/{other}')).toBeUndefined();
    expect(view().template('fs+file:///docs/a')).toBeUndefined();
    expect(view().template('memo:shared')).toBeUndefined();
  });

  it('passes any on behind one server', () => {
    const view = catalogue(OFFERS).service.view(request(serverEndpoint('fs')));
    expect(view.template('x:{y}')).toEqual({ kind: 'template', server: 'fs', uri: 'x:{y}' });
  });

  it('treats hidden like unknown', () => {
    const { service, decide } = catalogue(OFFERS);
    decide.rule = () => false;
    expect(service.view(request()).template('fs+file:///docs/{name}')).toBeUndefined();
    expect(service.view(request(serverEndpoint('fs'))).template('file:///docs/{name}')).toBeUndefined();
  });
});

describe('restoreUri', () => {
  it('gives back what the server listed, a template of it covers, or the caller was handed', () => {
    const { service, view } = catalogue(OFFERS);
    expect(view().restoreUri('fs', 'fs+file:///a')).toBe('file:///a');
    expect(view().restoreUri('fs', 'fs+file:///docs/b')).toBe('file:///docs/b');
    expect(view().restoreUri('fs', 'fs+memo:seen')).toBeUndefined();
    service.noteHandedOut('anonymous', 'fs', 'memo:seen');
    expect(view().restoreUri('fs', 'fs+memo:seen')).toBe('memo:seen');
    const other = service.view(request(AGGREGATE, COLON, principal('i', 'ann')));
    expect(other.restoreUri('fs', 'fs+memo:seen')).toBeUndefined();
  });

  it('leaves alone what names another server, is bare, or climbs', () => {
    const { view } = catalogue(OFFERS);
    for (const text of ['git+memo:shared', 'file:///a', 'fs', 'fs+', 'hello', 'fs+file:///docs/../etc/passwd']) {
      expect(view().restoreUri('fs', text)).toBeUndefined();
    }
  });

  it('undoes exposeUri', () => {
    const { view } = catalogue(OFFERS);
    for (const uri of ['file:///a', 'memo:shared'])
      expect(view().restoreUri('fs', view().exposeUri('fs', uri))).toBe(uri);
  });
});
