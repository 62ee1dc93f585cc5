import { describe, expect, it } from 'vitest';
import type { Spelling } from '#libs/kernel';
import { CatalogueService } from './catalogue.service.js';
import type { CatalogueSettings } from './settings.js';
import {
  AGGREGATE,
  type Items,
  listing,
  names,
  page,
  prompt,
  request,
  resource,
  server,
  serverEndpoint,
  settings,
  TestDecide,
  template,
  tool,
  toolsetEndpoint,
} from './testing/listings.js';

const DOUBLE: Spelling = { separator: '__', maxLength: 64 };

function catalogue(configured: CatalogueSettings, offers: Record<string, Items>) {
  const decide = new TestDecide();
  const service = new CatalogueService(decide);
  service.configure(configured);
  for (const [name, items] of Object.entries(offers)) service.publish(listing(name, items));
  return { service, decide };
}

const LONG = 'list_all_the_things_that_somebody_might_want_to_see_'.repeat(3);

describe('at the aggregate', () => {
  it('prefixes tools and prompts in configured order, then the upstream’s', () => {
    const { service } = catalogue(settings('b', 'a'), {
      a: { tools: [tool('z'), tool('y')], prompts: [prompt('p')] },
      b: { tools: [tool('y')], prompts: [prompt('p')] },
    });
    expect(names(service.view(request()), 'tools')).toEqual(['b:y', 'a:z', 'a:y']);
    expect(names(service.view(request()), 'prompts')).toEqual(['b:p', 'a:p']);
  });

  it('changes nothing of an item but its name', () => {
    const item = '{ "inputSchema":{"type":"object","max":12345678901234567890}, "name" : "x", "xVendor":[1.0, null] }';
    const { service } = catalogue(settings('a'), { a: { tools: [item] } });
    expect(service.view(request()).list('tools', undefined).toString()).toBe(
      `{"tools":[${item.replace('"x"', '"a:x"')}]}`,
    );
  });

  it('takes the spelling of the caller and the canonical name, never another spelling', () => {
    const { service } = catalogue(settings('a'), { a: { tools: [tool('x')] } });
    const view = service.view(request(AGGREGATE, DOUBLE));
    expect(names(view, 'tools')).toEqual(['a__x']);
    expect(view.tool('a__x')?.ref.name).toBe('x');
    expect(view.tool('a:x')?.ref.name).toBe('x');
    expect(service.view(request()).tool('a__x')).toBeUndefined();
    expect(view.tool('x')).toBeUndefined();
  });

  it.each(['', ':', 'a:', ':x', 'a', 'A:x', 'a:x ', 'a:x\u0000', '__proto__', 'constructor'])('knows no %j', (name) => {
    const { service } = catalogue(settings('a'), { a: { tools: [tool('x')], prompts: [prompt('x')] } });
    expect(service.view(request()).tool(name)).toBeUndefined();
    expect(service.view(request()).prompt(name)).toBeUndefined();
  });

  it('shows the prefix, and takes the configured name as canonical', () => {
    const { service } = catalogue(settings(server('jira-cloud', { prefix: 'j' })), {
      'jira-cloud': { tools: [tool('x')], resources: [resource('m:1')] },
    });
    const view = service.view(request());
    expect(names(view, 'tools')).toEqual(['j:x']);
    expect(names(view, 'resources')).toEqual(['j+m:1']);
    expect(view.tool('j:x')).toBe(view.tool('jira-cloud:x'));
    expect(view.resource('jira-cloud+m:1')).toEqual(view.resource('j+m:1'));
    expect(view.prefixOf('jira-cloud')).toBe('j');
    const spelled = service.view(request(AGGREGATE, DOUBLE));
    expect(spelled.tool('j:x')).toBeUndefined();
    expect(spelled.tool('jira-cloud:x')).toBeDefined();
  });

  it('lets an exposed name win over another server’s canonical one, unless the caller cannot see it', () => {
    const swapped = settings(server('a', { prefix: 'b' }), server('b', { prefix: 'a' }));
    const { service, decide } = catalogue(swapped, { a: { tools: [tool('x')] }, b: { tools: [tool('x')] } });
    expect(service.view(request()).tool('a:x')?.ref.server).toBe('b');
    decide.rule = (_, ref) => ref.server !== 'b';
    decide.policyVersion += 1;
    expect(service.view(request()).tool('a:x')?.ref.server).toBe('a');
  });

  it('shortens names that are too long or hold other characters, and finds them by both names', () => {
    const { service } = catalogue(settings('a'), {
      a: { tools: [tool(LONG), tool('größe messen'), tool('größe.messen')] },
    });
    const view = service.view(request(AGGREGATE, DOUBLE));
    const exposed = names(view, 'tools');
    expect(new Set(exposed).size).toBe(3);
    for (const name of exposed) expect(name).toMatch(/^a__[A-Za-z0-9_.-]{1,61}$/);
    expect(exposed.map((name) => view.tool(name)?.ref.name)).toEqual([LONG, 'größe messen', 'größe.messen']);
    expect(view.tool('a:größe messen')?.ref.name).toBe('größe messen');
  });

  it('leaves out the second of two things that come out under one name, for everybody alike', () => {
    const dash: Spelling = { separator: '-', maxLength: 64 };
    const { service, decide } = catalogue(settings('a', 'a-b'), {
      a: { tools: [tool('b-c')] },
      'a-b': { tools: [tool('c'), tool('d')] },
    });
    const view = service.view(request(AGGREGATE, dash));
    expect(names(view, 'tools')).toEqual(['a-b-c', 'a-b-d']);
    expect(view.tool('a-b-c')?.ref).toMatchObject({ server: 'a' });
    expect(view.tool('a-b:c')).toBeUndefined();
    expect(names(service.view(request()), 'tools')).toEqual(['a:b-c', 'a-b:c', 'a-b:d']);
    expect(service.current.scope(AGGREGATE).names('tools', dash).collisions).toMatchObject([
      { server: 'a-b', kind: 'tools', name: 'c', reason: expect.stringContaining('b-c of a') },
    ]);
    decide.rule = (_, ref) => ref.server !== 'a';
    decide.policyVersion += 1;
    expect(names(service.view(request(AGGREGATE, dash)), 'tools')).toEqual(['a-b-d']);
  });
});

describe('behind one server', () => {
  it('shows its own names and URIs', () => {
    const { service } = catalogue(settings('a', 'b'), {
      a: { tools: [tool('x')], prompts: [prompt('p')], resources: [resource('m:1')], templates: [template('m:{n}')] },
      b: { tools: [tool('y')] },
    });
    const view = service.view(request(serverEndpoint('a'), DOUBLE));
    expect(view.servers).toEqual(['a']);
    expect(names(view, 'tools')).toEqual(['x']);
    expect(names(view, 'prompts')).toEqual(['p']);
    expect(names(view, 'resources')).toEqual(['m:1']);
    expect(names(view, 'templates')).toEqual(['m:{n}']);
    expect(view.exposeUri('a', 'm:1')).toBe('m:1');
    expect(view.restoreUri('a', 'a+m:1')).toBeUndefined();
  });

  it('takes its own name first, then the canonical one, and no other server’s', () => {
    const { service } = catalogue(settings('a', 'b'), {
      a: { tools: [tool('x'), tool('a:x'), tool('b:y')] },
      b: { tools: [tool('y')] },
    });
    const view = service.view(request(serverEndpoint('a')));
    expect(view.tool('x')?.ref.name).toBe('x');
    expect(view.tool('a:x')?.ref.name).toBe('a:x');
    expect(view.tool('a:a:x')?.ref.name).toBe('a:x');
    expect(view.tool('b:y')?.ref).toMatchObject({ server: 'a', name: 'b:y' });
    expect(service.view(request(serverEndpoint('b'))).tool('a:x')).toBeUndefined();
  });

  it('finds a name that is too long for the client by its short and its own form', () => {
    const { service } = catalogue(settings('a'), { a: { tools: [tool(LONG)] } });
    const view = service.view(request(serverEndpoint('a'), DOUBLE));
    const [short] = names(view, 'tools');
    expect(short?.length).toBeLessThanOrEqual(64);
    expect(view.tool(short ?? '')?.ref.name).toBe(LONG);
    expect(view.tool(LONG)?.ref.name).toBe(LONG);
  });

  it('never lets a short form take over another tool’s own name', () => {
    const short = names(
      catalogue(settings('a'), { a: { tools: [tool(LONG)] } }).service.view(request(serverEndpoint('a'), DOUBLE)),
      'tools',
    )[0] as string;
    const { service } = catalogue(settings('a'), { a: { tools: [tool(LONG), tool(short)] } });
    const view = service.view(request(serverEndpoint('a'), DOUBLE));
    expect(names(view, 'tools')).toEqual([short]);
    expect(view.tool(short)?.ref.name).toBe(short);
    expect(view.tool(LONG)).toBeUndefined();
  });
});

describe('behind a toolset', () => {
  const toolset = (include: string[], exclude: string[] = []) => ({
    ...settings('a', 'b', 'c'),
    toolsets: [{ name: 't', include, exclude }],
  });
  const offers = {
    a: {
      tools: [tool('get_x'), tool('set_x')],
      prompts: [prompt('get_p'), prompt('other')],
      resources: [resource('m:a')],
      templates: [template('m:{a}')],
    },
    b: { tools: [tool('y')], resources: [resource('m:b')] },
    c: { tools: [tool('z')] },
  };

  it('shows tools and prompts by pattern, prefixed', () => {
    const { service } = catalogue(toolset(['a:get_*']), offers);
    const view = service.view(request(toolsetEndpoint('t')));
    expect(names(view, 'tools')).toEqual(['a:get_x']);
    expect(names(view, 'prompts')).toEqual(['a:get_p']);
    expect(view.servers).toEqual(['a']);
    expect(view.tool('a:set_x')).toBeUndefined();
    expect(view.tool('b:y')).toBeUndefined();
  });

  it('brings resources only of servers included as a whole', () => {
    const { service } = catalogue(toolset(['a:get_*', 'b:*']), offers);
    const view = service.view(request(toolsetEndpoint('t')));
    expect(names(view, 'resources')).toEqual(['b+m:b']);
    expect(names(view, 'templates')).toEqual([]);
    expect(view.resource('b+m:unlisted')).toEqual({ server: 'b', uri: 'm:unlisted' });
    expect(view.resource('a+m:a')).toBeUndefined();
    expect(view.resource('a+m:unlisted')).toBeUndefined();
    expect(view.resource('m:a')).toBeUndefined();
  });

  it('lets exclusions win, for resources too', () => {
    const { service } = catalogue(toolset(['*'], ['a:set_*', 'b:m:*', 'c:*']), offers);
    const view = service.view(request(toolsetEndpoint('t')));
    expect(names(view, 'tools')).toEqual(['a:get_x', 'b:y']);
    expect(names(view, 'resources')).toEqual(['a+m:a']);
    expect(view.resource('b+m:b')).toBeUndefined();
    expect(view.servers).toEqual(['a', 'b']);
  });
});

it('finds UI resources of tools under the server’s authority', () => {
  const { service } = catalogue(settings('a'), {
    a: { tools: [tool('x', { _meta: { ui: { resourceUri: 'ui://x/y' } } })], resources: [resource('ui://x/y')] },
  });
  const view = service.view(request());
  const [item] = page(view, 'tools').items;
  expect(item?.['_meta']).toEqual({ ui: { resourceUri: 'ui://a+x/y' } });
  expect(names(view, 'resources')).toEqual(['ui://a+x/y']);
  expect(view.resource('ui://a+x/y')).toEqual({ server: 'a', uri: 'ui://x/y' });
});
