import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editMembers, type MemberChanges } from './edit-members.js';
import { splice } from './splice.js';
import { JsonView } from './view.js';

function edited(text: string, changes: MemberChanges): string {
  const bytes = Buffer.from(text);
  return splice(bytes, editMembers(JsonView.of(bytes), changes)).toString();
}

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

  it('adds members that are text already, behind those that stay', () => {
    const add = '"x":1,"y":{}';
    expect(edited('{"a":1,"b":2}', { remove: ['b', 'x'], add })).toBe('{"a":1,"x":1,"y":{}}');
    expect(edited('{"x":0,"b":2}', { remove: ['b', 'x'], add })).toBe('{"x":1,"y":{}}');
    expect(edited('{"x":0,"b":2}', { set: { c: '3' }, remove: ['b', 'x'], add })).toBe('{"c":3,"x":1,"y":{}}');
    expect(edited('{"b":2}', { set: { b: '3', c: Buffer.from('4') }, add })).toBe('{"b":3,"c":4,"x":1,"y":{}}');
    expect(edited('{ }', { remove: ['x'], add })).toBe('{"x":1,"y":{} }');
  });

  it('knows keys by what they mean, however they are spelled', () => {
    expect(edited('{"\\u0061":1,"\\\\":2,"é":3,"Ã©":4}', { remove: ['a', '\\', 'é'] })).toBe('{"Ã©":4}');
    expect(edited('{"\\\\n":1,"\\n":2}', { set: { '\n': '3' }, remove: ['\\n'] })).toBe('{"\\n":3}');
  });

  it('edits what has more members than a view remembers', () => {
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`k${index}`, index]));
    const { k0, k700, ...rest } = many;
    expect([k0, k700]).toEqual([0, 700]);
    const after = JSON.parse(edited(JSON.stringify(many), { set: { k1499: '"x"', new: '1' }, remove: ['k0', 'k700'] }));
    expect(after).toEqual({ ...rest, k1499: 'x', new: 1 });
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
