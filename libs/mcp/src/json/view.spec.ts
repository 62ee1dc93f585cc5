import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonView } from './view.js';

const view = (text: string) => JsonView.of(Buffer.from(text));

describe('JsonView', () => {
  it('reads members by key and tells types', () => {
    const v = view(' { "a" : [1, "x", {}] , "b":null, "c":true,"d":false,"e":-1.5e3,"f":"" } \n');
    expect(v.type).toBe('object');
    expect(
      v
        .get('a')
        ?.items()
        .map((item) => item.type),
    ).toEqual(['number', 'string', 'object']);
    expect(['b', 'c', 'd', 'e', 'f'].map((key) => v.get(key)?.type)).toEqual([
      'null',
      'boolean',
      'boolean',
      'number',
      'string',
    ]);
    expect(v.get('e')?.value()).toBe(-1500);
    expect(v.get('f')?.string()).toBe('');
    expect(v.get('missing')).toBeUndefined();
  });

  it('walks a path, and ends it where something is missing', () => {
    const v = view('{"params":{"_meta":{"ui":{"resourceUri":"ui://x"}}}}');
    expect(v.at('params', '_meta', 'ui', 'resourceUri')?.string()).toBe('ui://x');
    expect(v.at('params', 'nothing', 'ui')).toBeUndefined();
    expect(v.at('params', '_meta', 'ui', 'resourceUri', 'deeper')).toBeUndefined();
  });

  it('picks several members as it would get each of them', () => {
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`k${index}`, index]));
    const keys = ['b', 'a', 'none', 'é', 'k1499'];
    for (const json of ['{"a":1,"é":2,"\\u0062":3,"a":4}', JSON.stringify(many), '{}', '[1]', 'null']) {
      const view = JsonView.of(Buffer.from(json));
      const each = keys.map((key) => view.get(key)?.value());
      expect(view.pick(keys).map((found) => found?.value())).toEqual(each);
    }
  });

  it('counts the last of repeated keys, as JSON.parse does', () => {
    expect(view('{"a":1,"b":2,"\\u0061":3}').get('a')?.value()).toBe(3);
  });

  it('finds escaped and non-ASCII keys by their meaning', () => {
    const v = view('{"n\\u0061me":"x","ключ":"y","😀":"z","q\\"uote":1}');
    expect(v.get('name')?.string()).toBe('x');
    expect(v.get('ключ')?.string()).toBe('y');
    expect(v.get('😀')?.string()).toBe('z');
    expect(v.get('q"uote')?.value()).toBe(1);
    expect(v.get('nam')).toBeUndefined();
    expect(v.get('namee')).toBeUndefined();
  });

  it('keeps integers above 2^53 as the bytes they are', () => {
    const v = view('{"n":9007199254740993}');
    expect(v.get('n')?.raw().toString()).toBe('9007199254740993');
  });

  it('is empty-handed, not broken, on the wrong type', () => {
    expect(view('[1]').get('a')).toBeUndefined();
    expect(view('[1]').members()).toEqual([]);
    expect(view('{}').items()).toEqual([]);
    expect(view('12').string()).toBeUndefined();
    expect(view('[]').items()).toEqual([]);
    expect(view('[ ]').items()).toEqual([]);
    expect(view('{ }').members()).toEqual([]);
  });

  it('gives member spans that cover key and value exactly', () => {
    const bytes = Buffer.from('{ "a" : 1 , "b":[ {"c":"}"} ] }');
    const members = JsonView.of(bytes).members();
    expect(members.map((m) => [m.key, bytes.toString('utf8', m.keySpan.start, m.keySpan.end)])).toEqual([
      ['a', '"a"'],
      ['b', '"b"'],
    ]);
    expect(members.map((m) => m.value.raw().toString())).toEqual(['1', '[ {"c":"}"} ]']);
  });

  it('reads objects with more members than it remembers', () => {
    const object = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]));
    const v = view(JSON.stringify(object));
    expect(v.get('k4999')?.value()).toBe(4999);
    expect(v.get('k0')?.value()).toBe(0);
    expect(v.get('k5000')).toBeUndefined();
    expect(v.members()).toHaveLength(5000);
  });

  it('reads strings of a megabyte, with and without escapes', () => {
    const plain = 'x'.repeat(1_000_000);
    const quotes = '"\\'.repeat(200_000);
    const v = view(JSON.stringify({ plain, quotes, after: 'end' }));
    expect(v.get('plain')?.string()).toBe(plain);
    expect(v.get('quotes')?.string()).toBe(quotes);
    expect(v.get('after')?.string()).toBe('end');
  });

  it('agrees with JSON.parse on any JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
        const pretty = JSON.stringify(JSON.parse(text), null, indent);
        expect(read(view(pretty))).toEqual(JSON.parse(pretty));
      }),
    );
  });
});

function read(v: JsonView): unknown {
  switch (v.type) {
    case 'object': {
      const object = {};
      for (const { key, value } of v.members()) {
        expect(v.get(key)?.value()).toEqual(value.value());
        Object.defineProperty(object, key, {
          value: read(value),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return object;
    }
    case 'array':
      return v.items().map(read);
    case 'string':
      return v.string();
    default:
      return v.value();
  }
}
