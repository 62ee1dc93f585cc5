import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editMembers, type MemberChanges, splice } from './splice.js';
import { JsonView } from './view.js';

function edited(text: string, changes: MemberChanges): string {
  const bytes = Buffer.from(text);
  return splice(bytes, editMembers(JsonView.of(bytes), changes)).toString();
}

describe('splice', () => {
  const bytes = Buffer.from('0123456789');

  it('returns the very bytes when there is nothing to do', () => {
    expect(splice(bytes, [])).toBe(bytes);
    expect(splice(bytes, [], { start: 2, end: 4 }).toString()).toBe('23');
  });

  it('applies edits in any order, inserts included', () => {
    const edits = [
      { start: 8, end: 9, text: Buffer.from('é') },
      { start: 2, end: 2, text: '<' },
      { start: 2, end: 4, text: '' },
      { start: 2, end: 2, text: '>' },
    ];
    expect(splice(bytes, edits).toString()).toBe('01<>4567é9');
    expect(splice(bytes, edits, { start: 1, end: 9 }).toString()).toBe('1<>4567é');
  });

  it('refuses overlapping edits and edits outside', () => {
    expect(() =>
      splice(bytes, [
        { start: 1, end: 5, text: '' },
        { start: 4, end: 6, text: '' },
      ]),
    ).toThrow(RangeError);
    expect(() => splice(bytes, [{ start: 9, end: 11, text: '' }])).toThrow(RangeError);
    expect(() => splice(bytes, [{ start: 0, end: 1, text: '' }], { start: 1, end: 5 })).toThrow(RangeError);
  });
});

describe('editMembers', () => {
  it('replaces in place and appends', () => {
    expect(edited('{ "a" : 1, "b": 2 }', { set: { a: '9', c: '{}' } })).toBe('{ "a" : 9, "b": 2,"c":{} }');
    expect(edited('{}', { set: { a: '1', b: Buffer.from('"é"') } })).toBe('{"a":1,"b":"é"}');
  });

  it('removes first, middle, last, several and all members', () => {
    expect(edited('{"a":1, "b":2, "c":3}', { remove: ['a'] })).toBe('{"b":2, "c":3}');
    expect(edited('{"a":1, "b":2, "c":3}', { remove: ['b'] })).toBe('{"a":1, "c":3}');
    expect(edited('{"a":1, "b":2, "c":3}', { remove: ['c'] })).toBe('{"a":1, "b":2}');
    expect(edited('{"a":1, "b":2, "c":3}', { remove: ['a', 'b'] })).toBe('{"c":3}');
    expect(edited('{"a":1, "b":2, "c":3}', { remove: ['a', 'c'] })).toBe('{"b":2}');
    expect(edited('{ "a":1 , "b":2 }', { remove: ['a', 'b'] })).toBe('{  }');
    expect(edited('{"a":1}', { remove: ['zzz'] })).toBe('{"a":1}');
  });

  it('removes and appends at once', () => {
    expect(edited('{"a":1,"b":2}', { remove: ['b'], set: { c: '3' } })).toBe('{"a":1,"c":3}');
    expect(edited('{"a":1}', { remove: ['a'], set: { c: '3' } })).toBe('{"c":3}');
  });

  it('leaves only one of a repeated key that is set', () => {
    expect(edited('{"a":1,"b":2,"\\u0061":3}', { set: { a: '9' } })).toBe('{"b":2,"\\u0061":9}');
  });

  it('leaves everything else byte for byte', () => {
    expect(edited('{"n":9007199254740993 ,"x":1.0E+2,"name":"a"}', { set: { name: '"b"' } })).toBe(
      '{"n":9007199254740993 ,"x":1.0E+2,"name":"b"}',
    );
  });

  it('refuses what is not an object', () => {
    expect(() => editMembers(JsonView.of(Buffer.from('[]')), { remove: ['a'] })).toThrow(TypeError);
  });

  it('gives the JSON of the naive object edit', () => {
    const keys = fc.constantFrom('a', 'b', 'c', 'd', '1', '"', 'é', '__proto__');
    const object = fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true });
    fc.assert(
      fc.property(object, object, fc.array(keys), fc.constantFrom(undefined, 2), (before, set, remove, indent) => {
        const text = Object.fromEntries(Object.entries(set).map(([key, value]) => [key, JSON.stringify(value)]));
        const after = new Map(Object.entries(before));
        for (const key of remove) after.delete(key);
        for (const [key, value] of Object.entries(set)) after.set(key, value);
        const result = JSON.parse(edited(JSON.stringify(before, null, indent), { set: text, remove }));
        expect(result).toEqual(JSON.parse(JSON.stringify(Object.fromEntries(after))));
      }),
    );
  });
});
