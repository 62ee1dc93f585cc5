import { describe, expect, it } from 'vitest';
import { CatalogueService } from '../catalogue.service.js';
import {
  AGGREGATE,
  listing,
  request,
  server,
  serverEndpoint,
  settings,
  TestDecide,
  tool,
  toolsetEndpoint,
} from '../testing/listings.js';

/** Of three upstreams only `up` has listed anything. */
function catalogue() {
  const decide = new TestDecide();
  const service = new CatalogueService(decide);
  const toolsets = [
    { name: 'whole', include: ['down:*'], exclude: [] },
    { name: 'part', include: ['down:a*'], exclude: [] },
  ];
  service.configure({ ...settings('up', 'down', server('other', { prefix: 'o' })), toolsets });
  service.publish(listing('up', { tools: [tool('a')] }));
  return { service, decide };
}

describe('absent', () => {
  it.each([
    ['down:a', 'down'],
    ['o:a', 'other'],
    ['other:a', 'other'],
    ['down+file:///a', 'down'],
    ['o+memo:x', 'other'],
    ['up:b', undefined],
    ['nobody:a', undefined],
    ['downy:a', undefined],
    ['a', undefined],
    ['', undefined],
  ])('%j belongs to %s', (spelled, expected) => {
    expect(catalogue().service.view(request()).absent(spelled)).toBe(expected);
  });

  it('follows the spelling of the caller', () => {
    const spelling = { separator: '__', maxLength: 64 };
    expect(catalogue().service.view(request(AGGREGATE, spelling)).absent('down__a')).toBe('down');
    expect(catalogue().service.view(request()).absent('down__a')).toBeUndefined();
  });

  it('is every name behind an upstream alone, and no name once it listed', () => {
    const { service } = catalogue();
    expect(service.view(request(serverEndpoint('down'))).absent('a')).toBe('down');
    expect(service.view(request(serverEndpoint('up'))).absent('b')).toBeUndefined();
    service.publish(listing('down', {}));
    expect(service.view(request(serverEndpoint('down'))).absent('a')).toBeUndefined();
    service.withdraw('down');
    expect(service.view(request(serverEndpoint('down'))).absent('a')).toBe('down');
  });

  it('is told in a toolset that takes the upstream as a whole', () => {
    const { service } = catalogue();
    expect(service.view(request(toolsetEndpoint('whole'))).absent('down:a')).toBe('down');
    expect(service.view(request(toolsetEndpoint('whole'))).absent('other:a')).toBeUndefined();
    expect(service.view(request(toolsetEndpoint('part'))).absent('down:a')).toBeUndefined();
  });

  it('is not told to a caller who may not know of the upstream', () => {
    const { service, decide } = catalogue();
    decide.rule = (_, ref) => ref.server !== 'down';
    expect(service.view(request()).absent('down:a')).toBeUndefined();
    expect(service.view(request()).absent('other:a')).toBe('other');
  });
});
