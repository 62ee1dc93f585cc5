import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonView } from '../json/view.js';
import { paramsDigest } from './digest.js';

const digest = (json: string) => paramsDigest(JsonView.of(Buffer.from(json))).toString('hex');

describe('the digest of params', () => {
  it('does not mind order, white space, escapes and what differs per attempt', () => {
    const same = digest('{"name":"t","arguments":{"a":[1,{"x":1,"y":"é"}],"b":null}}');
    expect(digest(' { "arguments" : {"b":null , "a":[ 1 , {"y":"\\u00e9","x":1} ]}, "n\\u0061me":"t"} ')).toBe(same);
    expect(
      digest(
        '{"_meta":{"x":1},"name":"t","requestState":"s","arguments":{"a":[1,{"x":1,"y":"é"}],"b":null},"inputResponses":{}}',
      ),
    ).toBe(same);
  });

  it.each([
    '{"name":"u"}',
    '{"name":"t","arguments":{}}',
    '{"name":"t","arguments":{"_meta":1}}',
    '{"name":"t","arguments":{"_meta":2}}',
    '{"name":"t","arguments":{"n":1}}',
    '{"name":"t","arguments":{"n":1.0}}',
    '{"name":"t","arguments":{"n":12345678901234567890}}',
    '{"name":"t","arguments":{"n":12345678901234567891}}',
    '{"name":"t","arguments":{"n":"1"}}',
    '{"name":"t","arguments":{"n":[]}}',
    '{"name":"t","arguments":{"n":[1]}}',
    '{"name":"t","arguments":{"n":{}}}',
    '{"name":"t","arguments":{"n,\\"x\\":1":1}}',
  ])('tells %s from the others', (json) => {
    SEEN.set(digest(json), json);
    expect([...SEEN.values()]).toContain(json);
    expect(SEEN.get(digest(json))).toBe(json);
  });

  it('is that of the value, whatever the order of its members', () => {
    const shuffled = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(shuffled)
        : value !== null && typeof value === 'object'
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, inner]) => [key, shuffled(inner)]),
            )
          : value;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
        const params = JSON.parse(JSON.stringify(given)) as unknown;
        expect(digest(JSON.stringify(shuffled(params), null, 2))).toBe(digest(JSON.stringify(params)));
      }),
    );
  });
});

const SEEN = new Map<string, string>();
