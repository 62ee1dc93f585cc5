import { describe, expect, it } from 'vitest';
import type { Listing, ListKind } from '#libs/mcp';
import { type Items, listing, prompt, resource, template, tool } from '../testing/listings.js';
import { ingest } from './ingest.js';

function take(kind: ListKind, items: readonly (string | object)[], extra: Partial<Listing> = {}) {
  const { lists } = ingest(listing('up', { [kind]: items } as Items, extra), undefined);
  return {
    names: lists[kind].items.map(({ ref }) => ref.name),
    raw: lists[kind].items.map(({ raw }) => raw.toString()),
    quarantined: lists[kind].quarantined,
    repaired: lists[kind].repaired,
  };
}

/** Checks that one bad item is left out with this reason while its neighbours stay. */
function leftOut(kind: ListKind, bad: string | object, reason: RegExp | string, good: (name: string) => object) {
  const { names, quarantined } = take(kind, [good('before'), bad, good('behind')]);
  expect(names).toEqual(['before', 'behind']);
  expect(quarantined).toHaveLength(1);
  expect(quarantined[0]).toMatchObject({ server: 'up', kind, reason: expect.stringMatching(reason) });
}

describe('a tool is left out, and nothing else, when', () => {
  it.each<[string, string | object, RegExp]>([
    ['it is a string', '"echo"', /not an object/],
    ['it is null', 'null', /not an object/],
    ['it is an array', '[]', /not an object/],
    ['it is not JSON', '{"name":', /cannot be read/],
    ['it has no name', { inputSchema: { type: 'object' } }, /no name/],
    ['its name is a number', { name: 7, inputSchema: { type: 'object' } }, /no name/],
    ['its name is empty', tool(''), /is empty/],
    ['its name is longer than 8 KiB', tool('x'.repeat(8193)), /longer/],
    ['its name holds a line break', tool('a\nb'), /control/],
    ['its name holds NUL', tool('a\u0000b'), /control/],
    ['its name holds a C1 control', tool('a\u009bb'), /control/],
    ['its name holds a lone surrogate', '{"name":"a\\ud800","inputSchema":{"type":"object"}}', /control/],
    ['its name reads in another direction', tool('a\u202eb'), /invisible/],
    ['its name holds hidden tags', tool('a\u{e0041}'), /invisible/],
    ['its name is taken', tool('before'), /same name/],
    ['it has two names', '{"name":"a","inputSchema":{"type":"object"},"name":"b"}', /more than one name/],
    ['it has no inputSchema', { name: 'a' }, /no inputSchema/],
    ['it runs as a task only', tool('a', { execution: { taskSupport: 'required' } }), /task/],
    ['its inputSchema is null', { name: 'a', inputSchema: null }, /inputSchema is not an object/],
    ['its inputSchema is an array', { name: 'a', inputSchema: [] }, /inputSchema is not an object/],
    ['its inputSchema has no type', { name: 'a', inputSchema: {} }, /no type "object"/],
    ['its inputSchema is for strings', { name: 'a', inputSchema: { type: 'string' } }, /no type "object"/],
    ['its properties are a list', { name: 'a', inputSchema: { type: 'object', properties: [] } }, /properties/],
    ['a property is a string', { name: 'a', inputSchema: { type: 'object', properties: { p: 'string' } } }, /property/],
    ['required is a string', { name: 'a', inputSchema: { type: 'object', required: 'p' } }, /required/],
    ['required holds a number', { name: 'a', inputSchema: { type: 'object', required: ['p', 1] } }, /required/],
    ['its schema is too large', tool('a', { inputSchema: { type: 'object', x: 'y'.repeat(262_144) } }), /larger/],
    ['it is too large', tool('a', { description: 'y'.repeat(1_048_576) }), /larger/],
    [
      'it nests too deeply',
      `{"name":"a","inputSchema":{"type":"object","x":${'['.repeat(70)}${']'.repeat(70)}}}`,
      /read/,
    ],
  ])('%s', (_, bad, reason) => leftOut('tools', bad, reason, tool));
});

describe('a prompt is left out, and nothing else, when', () => {
  it.each<[string, string | object, RegExp]>([
    ['its name is missing', {}, /no name/],
    ['its arguments are an object', { name: 'a', arguments: {} }, /arguments/],
    ['an argument is a string', { name: 'a', arguments: ['x'] }, /arguments/],
    ['an argument has no name', { name: 'a', arguments: [{ name: 'x' }, {}] }, /arguments/],
  ])('%s', (_, bad, reason) => leftOut('prompts', bad, reason, prompt));
});

describe('a resource or template is left out, and nothing else, when', () => {
  it.each<[string, ListKind, object, RegExp]>([
    ['it has no uri', 'resources', { name: 'a' }, /no uri/],
    ['its uri is empty', 'resources', { uri: '', name: 'a' }, /empty/],
    ['its uri holds a line break', 'resources', { uri: 'a:\nb', name: 'a' }, /control/],
    ['it has no name', 'resources', { uri: 'a:b' }, /no name/],
    ['it has no uriTemplate', 'templates', { name: 'a' }, /no uriTemplate/],
    ['the template is a number', 'templates', { uriTemplate: 1, name: 'a' }, /no uriTemplate/],
    ['the template has no name', 'templates', { uriTemplate: 'a:{b}' }, /no name/],
  ])('%s', (_, kind, bad, reason) => leftOut(kind, bad, reason, kind === 'resources' ? resource : template));

  it('keeps a URI without a scheme: its syntax is the owner’s business', () => {
    expect(take('resources', [{ uri: 'notes/today', name: '' }]).names).toEqual(['notes/today']);
  });
});

describe('mending', () => {
  it('keeps unknown members, large integers and white space byte for byte', () => {
    const item =
      '{ "xVendor":{"n":12345678901234567890}, "name":"a","inputSchema":{"type":"object","required":[],"$defs":{"x":true}}, "outputSchema":{"type":"object","z":1.50} }';
    expect(take('tools', [item])).toMatchObject({ raw: [item], quarantined: [], repaired: [] });
  });

  it.each<[string, string, string]>([
    [
      'required: null',
      '{"name":"a","inputSchema":{"type":"object","required":null,"big":12345678901234567890},"x":1}',
      '{"name":"a","inputSchema":{"type":"object","big":12345678901234567890},"x":1}',
    ],
    [
      'properties: null',
      '{"name":"a","inputSchema":{"properties":null,"type":"object"}}',
      '{"name":"a","inputSchema":{"type":"object"}}',
    ],
    [
      'boolean schemas',
      '{"name":"a","inputSchema":{"type":"object","properties":{"p":true,"q":false}}}',
      '{"name":"a","inputSchema":{"type":"object","properties":{"p":{},"q":{"not":{}}}}}',
    ],
    [
      'an outputSchema that is not an object',
      '{"name":"a","outputSchema":[1],"inputSchema":{"type":"object"}}',
      '{"name":"a","inputSchema":{"type":"object"}}',
    ],
    [
      'an outputSchema for arrays, which clients of these revisions refuse',
      '{"name":"a","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}',
      '{"name":"a","inputSchema":{"type":"object"}}',
    ],
    [
      'members of a wrong type',
      '{"description":null,"title":7,"name":"a","inputSchema":{"type":"object"},"annotations":[],"_meta":null,"icons":{}}',
      '{"name":"a","inputSchema":{"type":"object"}}',
    ],
  ])('drops or respells %s', (_, item, mended) => {
    const { raw, quarantined, repaired } = take('tools', [item]);
    expect(raw).toEqual([mended]);
    expect(quarantined).toEqual([]);
    expect(repaired).toHaveLength(1);
  });

  it('drops arguments: null of a prompt', () => {
    expect(take('prompts', ['{"name":"a","arguments":null}']).raw).toEqual(['{"name":"a"}']);
  });

  it('keeps any outputSchema of a modern upstream', () => {
    const item = '{"name":"a","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}';
    expect(take('tools', [item], { era: 'modern' }).raw).toEqual([item]);
  });
});

describe('ingest', () => {
  it('gives the previous intake itself for an equal listing', () => {
    const first = ingest(listing('up', { tools: [tool('a')] }), undefined);
    expect(ingest(listing('up', { tools: [tool('a')] }), first)).toBe(first);
  });

  it('takes over the lists that did not change', () => {
    const first = ingest(listing('up', { tools: [tool('a')], prompts: [prompt('p')] }), undefined);
    const second = ingest(listing('up', { tools: [tool('b')], prompts: [prompt('p')] }), first);
    expect(second.lists.prompts).toBe(first.lists.prompts);
    expect(second.lists.tools).not.toBe(first.lists.tools);
  });

  it('notices a change of anything but the lists', () => {
    const first = ingest(listing('up', {}), undefined);
    expect(ingest(listing('up', {}, { instructions: 'new' }), first)).not.toBe(first);
    expect(ingest(listing('up', {}, { capabilities: {} }), first)).not.toBe(first);
  });

  it('takes over the items that did not change', () => {
    const first = ingest(listing('up', { tools: [tool('a'), tool('b'), 'null'] }), undefined);
    const second = ingest(listing('up', { tools: [tool('b'), tool('c'), tool('b'), 'null'] }), first);
    expect(second.lists.tools.items.map(({ ref }) => ref.name)).toEqual(['b', 'c']);
    expect(second.lists.tools.items[0]).toBe(first.lists.tools.items[1]);
    expect(second.lists.tools.quarantined).toHaveLength(2);
  });

  it('checks again when the era changes', () => {
    const offer = { tools: [tool('a', { outputSchema: { type: 'array' } })] };
    const modern = ingest(listing('up', offer, { era: 'modern' }), undefined);
    expect(ingest(listing('up', offer), modern).lists.tools.repaired).toHaveLength(1);
  });

  it('reports names that could forge log lines in a printable form', () => {
    const { quarantined } = take('tools', [tool('a\n{"level":"info"}'), tool(`\u202e${'x'.repeat(9000)}`)]);
    expect(quarantined[0]?.name).toBe('a\\u{a}{"level":"info"}');
    expect(quarantined[1]?.name.length).toBeLessThan(150);
  });

  it('bounds the notes of one list', () => {
    const { quarantined } = take(
      'tools',
      Array.from({ length: 3000 }, () => 'null'),
    );
    expect(quarantined).toHaveLength(1000);
  });
});
