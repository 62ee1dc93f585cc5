import { describe, expect, it } from 'vitest';
import { behindValue, memberAt } from './scan.mjs';

const memberIn = (json: string, key: string): string | undefined => {
  const bytes = Buffer.from(json);
  const at = memberAt(bytes, 0, Buffer.from(key));
  return at < 0 ? undefined : bytes.toString('utf8', at, behindValue(bytes, at));
};

describe('the bare proxy’s scanner', () => {
  it.each([
    ['{"a":1,"name":"x"}', '"x"'],
    ['{"a":{"name":"inner"},"name":"outer"}', '"outer"'],
    ['{"a":[{"name":1},"]","}"], "name" : {"b":[1,2]} , "c":3}', '{"b":[1,2]}'],
    ['{"q":"\\"name\\":\\\\","name":"\\\\"}', '"\\\\"'],
    ['{"names":1,"nam":2,"name":true}', 'true'],
    ['{"name":-1.5e3}', '-1.5e3'],
    ['{"é":"ü","name":"ö"}', '"ö"'],
    ['{"other":1}', undefined],
    ['{}', undefined],
  ])('finds the member in %s', (json, value) => {
    expect(memberIn(json, 'name')).toBe(value);
  });
});
