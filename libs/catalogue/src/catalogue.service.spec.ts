import { describe, expect, it } from 'vitest';
import { principal } from '#libs/kernel';
import { type CatalogueEvents, CatalogueService } from './catalogue.service.js';
import type { CatalogueSettings } from './settings.js';
import {
  AGGREGATE,
  COLON,
  listing,
  names,
  prompt,
  request,
  resource,
  server,
  serverEndpoint,
  settings,
  TestDecide,
  tool,
} from './testing/listings.js';

function catalogue(configured: CatalogueSettings = settings('a', 'b'), decide = new TestDecide()) {
  const service = new CatalogueService(decide);
  const events: CatalogueEvents['changed'][] = [];
  service.configure(configured);
  service.changes.on('changed', (event) => events.push(event));
  return { service, events, decide };
}

describe('generations', () => {
  it('replaces the whole catalogue on a publish and says where it differs', () => {
    const { service, events } = catalogue();
    const before = service.current;
    service.publish(listing('a', { tools: [tool('x')] }));
    expect(service.current).not.toBe(before);
    expect(before.entries).toEqual([]);
    expect(events).toEqual([{ generation: service.current.generation, kinds: ['tools'], servers: ['a'] }]);
    expect(service.current.server('a')?.counts).toEqual({ tools: 1, prompts: 0, resources: 0, templates: 0 });
  });

  it('stays the same when a listing repeats what is known', () => {
    const { service, events } = catalogue();
    service.publish(listing('a', { tools: [tool('x')] }));
    const known = service.current;
    service.publish(listing('a', { tools: [tool('x')] }));
    expect(service.current).toBe(known);
    expect(events).toHaveLength(1);
  });

  it('notices one changed byte of an item', () => {
    const { service, events } = catalogue();
    service.publish(listing('a', { tools: ['{"name":"x","inputSchema":{"type":"object"},"n":1}'] }));
    service.publish(listing('a', { tools: ['{"name":"x","inputSchema":{"type":"object"},"n":2}'] }));
    expect(events.map(({ kinds }) => kinds)).toEqual([['tools'], ['tools']]);
  });

  it('keeps the entries of upstreams that did not change, and the lists of one that did', () => {
    const { service } = catalogue();
    service.publish(listing('a', { tools: [tool('x')] }));
    service.publish(listing('b', { tools: [tool('y')], prompts: [prompt('p')] }));
    const before = service.current;
    service.publish(listing('b', { tools: [tool('z')], prompts: [prompt('p')] }));
    expect(service.current.server('a')).toBe(before.server('a'));
    expect(service.current.server('b')?.lists.prompts).toBe(before.server('b')?.lists.prompts);
  });

  it('announces changed capabilities without a changed list', () => {
    const { service, events } = catalogue();
    service.publish(listing('a', { tools: [tool('x')] }));
    service.publish(listing('a', { tools: [tool('x')] }, { instructions: 'Be kind.' }));
    expect(events[1]).toMatchObject({ kinds: [], servers: ['a'] });
    expect(service.current.server('a')?.instructions).toBe('Be kind.');
  });

  it('withdraws a server once', () => {
    const { service, events } = catalogue();
    service.publish(listing('a', { tools: [tool('x')], resources: [resource('m:1')] }));
    service.withdraw('a');
    service.withdraw('a');
    service.withdraw('never-there');
    expect(events.map(({ kinds }) => kinds)).toEqual([
      ['tools', 'resources'],
      ['tools', 'resources'],
    ]);
    expect(names(service.view(request()), 'tools')).toEqual([]);
  });

  it('keeps a listing that comes before its server is configured', () => {
    const { service } = catalogue(settings());
    service.publish(listing('a', { tools: [tool('x')] }));
    expect(service.current.entries).toEqual([]);
    service.configure(settings('a'));
    expect(names(service.view(request()), 'tools')).toEqual(['a:x']);
  });

  it('forgets a server that left the configuration', () => {
    const { service, events } = catalogue();
    service.publish(listing('a', { tools: [tool('x')] }));
    service.configure(settings('b'));
    service.configure(settings('a', 'b'));
    expect(service.current.entries).toEqual([]);
    expect(events.map(({ servers }) => servers)).toEqual([['a'], ['a']]);
  });

  it('announces a reload only when it changes something', () => {
    const { service, events } = catalogue();
    service.publish(listing('a', { tools: [tool('x'), tool('y')] }));
    service.publish(listing('b', { tools: [tool('x')] }));
    events.length = 0;
    service.configure(settings('a', 'b'));
    service.configure({ ...settings('a', 'b'), listCacheBytes: 1024 });
    expect(events).toEqual([]);
    service.configure(settings('b', 'a'));
    expect(events.pop()).toMatchObject({ servers: ['b', 'a'].sort() });
    service.configure(settings('b', server('a', { prefix: 'z' })));
    expect(events.pop()).toMatchObject({ kinds: ['tools'], servers: ['a'] });
    service.configure(settings('b', server('a', { prefix: 'z', tools: { include: ['*'], exclude: ['y'] } })));
    expect(events.pop()).toMatchObject({ kinds: ['tools'], servers: ['a'] });
    expect(names(service.view(request()), 'tools')).toEqual(['b:x', 'z:x']);
    expect(service.view(request()).tool('a:y')).toBeUndefined();
  });

  it('announces changed toolsets', () => {
    const { service, events } = catalogue();
    service.publish(listing('a', { tools: [tool('x')] }));
    events.length = 0;
    service.configure({ ...settings('a', 'b'), toolsets: [{ name: 't', include: ['a:*'], exclude: [] }] });
    expect(events).toHaveLength(1);
  });

  it('outlives a listener that throws', () => {
    const { service, events } = catalogue();
    service.changes.on('changed', () => {
      throw new Error('listener');
    });
    service.publish(listing('a', { tools: [tool('x')] }));
    expect(events).toHaveLength(1);
  });

  it('lists what was left out, for operators', () => {
    const { service } = catalogue();
    service.publish(listing('a', { tools: ['7', tool('x')] }));
    expect(service.current.quarantined).toEqual([
      { server: 'a', kind: 'tools', name: '', reason: 'it is not an object' },
    ]);
    expect(names(service.view(request()), 'tools')).toEqual(['a:x']);
  });

  it('logs each complaint once', () => {
    const lines: string[] = [];
    const log = { debug() {}, info() {}, warn: (_: object, line: string) => lines.push(line), error() {} };
    const service = new CatalogueService(new TestDecide(), undefined, log);
    service.publish(listing('a', { tools: ['7', tool('x')] }));
    service.publish(listing('a', { tools: ['7', tool('y')] }));
    expect(lines).toEqual(["a: tool '' left out of the lists: it is not an object"]);
  });
});

describe('views', () => {
  it('keeps its generation while a new one takes over', () => {
    const { service } = catalogue();
    service.publish(listing('a', { tools: [tool('x')] }));
    const old = service.view(request());
    service.publish(listing('a', { tools: [tool('y')] }));
    expect(names(old, 'tools')).toEqual(['a:x']);
    expect(old.tool('a:x')?.ref).toEqual({ kind: 'tool', server: 'a', name: 'x' });
    expect(service.view(request()).generation).toBeGreaterThan(old.generation);
  });

  it('asks for decisions once per caller and generation', () => {
    const { service, decide } = catalogue();
    service.publish(listing('a', { tools: [tool('x'), tool('y')] }));
    service.view(request());
    const asked = decide.asked;
    for (let i = 0; i < 10; i++) service.view(request());
    expect(decide.asked).toBe(asked);
  });

  it('asks again when the policy changes, and follows what is said of a caller', () => {
    const { service, decide } = catalogue();
    decide.rule = ({ claims }, { name }) => claims['role'] === 'all' || name === 'x';
    service.publish(listing('a', { tools: [tool('x'), tool('y')] }));
    const ann = (role?: string) => request(AGGREGATE, COLON, principal('i', 'ann', { claims: { role } }));
    expect(names(service.view(ann()), 'tools')).toEqual(['a:x']);
    expect(names(service.view(ann('all')), 'tools')).toEqual(['a:x', 'a:y']);
    expect(names(service.view(ann()), 'tools')).toEqual(['a:x']);
    decide.rule = () => false;
    decide.policyVersion += 1;
    expect(names(service.view(ann('all')), 'tools')).toEqual([]);
  });

  it('takes an error in a decision for a denial', () => {
    const { service, decide } = catalogue();
    decide.rule = (_, { name }) => {
      if (name === 'y') throw new Error('policy');
      return true;
    };
    service.publish(listing('a', { tools: [tool('x'), tool('y')] }));
    const view = service.view(request());
    expect(names(view, 'tools')).toEqual(['a:x']);
    expect(view.tool('a:y')).toBeUndefined();
  });

  it('shares encoded lists between callers with the same decisions, and only those', () => {
    const { service, decide } = catalogue();
    decide.rule = ({ subject }, { name }) => subject !== 'eve' || name === 'x';
    service.publish(listing('a', { tools: [tool('x'), tool('y')], prompts: [prompt('x')] }));
    const view = (subject: string) => service.view(request(AGGREGATE, COLON, principal('i', subject)));
    expect(view('ann').key).toBe(view('bob').key);
    expect(view('ann').list('tools', undefined)).toBe(view('bob').list('tools', undefined));
    expect(view('eve').key).not.toBe(view('ann').key);
    expect(view('eve').list('prompts', undefined)).toBe(view('ann').list('prompts', undefined));
  });

  it('names only servers the caller may know of', () => {
    const { service, decide } = catalogue(settings('a', 'b', 'c'));
    decide.rule = (_, { server, name }) => server === 'a' || (server === 'b' && name === 'x');
    service.publish(listing('a', {}));
    service.publish(listing('b', { tools: [tool('x'), tool('y')] }));
    service.publish(listing('c', { tools: [tool('x')] }));
    expect(service.view(request()).servers).toEqual(['a', 'b']);
    expect(service.view(request(serverEndpoint('c'))).servers).toEqual([]);
  });

  it('is empty behind an endpoint that is not there', () => {
    const { service } = catalogue();
    const view = service.view(request(serverEndpoint('nobody')));
    expect(view.servers).toEqual([]);
    expect(view.list('tools', undefined).toString()).toBe('{"tools":[]}');
    expect(view.resource('m:1')).toBeUndefined();
  });
});

describe('fingerprints', () => {
  it('change when, and only when, what the caller sees changes', () => {
    const { service, decide } = catalogue();
    decide.rule = (_, { name }) => name !== 'hidden';
    const print = () => service.view(request()).fingerprint('tools');
    service.publish(listing('a', { tools: [tool('x')] }));
    const first = print();
    service.publish(listing('a', { tools: [tool('x'), tool('hidden', { description: 'new' })] }));
    expect(print()).toBe(first);
    service.publish(listing('b', { prompts: [prompt('p')] }));
    expect(print()).toBe(first);
    service.publish(listing('a', { tools: [tool('x', { description: 'new' })] }));
    expect(print()).not.toBe(first);
    service.publish(listing('a', { tools: [tool('x')] }));
    expect(print()).toBe(first);
  });
});
