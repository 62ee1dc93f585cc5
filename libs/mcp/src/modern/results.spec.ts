import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOne } from '../bytes.js';
import { asLegacyResult, type ResultMembers, withResultMembers, withSubscriptionId } from './results.js';

const modern = (json: string, members: Partial<ResultMembers> = {}) =>
  inOne(withResultMembers(Buffer.from(json), { resultType: 'complete', ...members })).toString();
const legacy = (json: string) => asLegacyResult(Buffer.from(json)).toString();
const INFO = '{"name":"gw","version":"1"}';
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

describe('a result for a modern client', () => {
  it('gets its members appended, all other bytes stay', () => {
    expect(modern('{ "tools":[1.50] }\n', { serverInfo: INFO, ttlMs: 1000.9, cacheScope: 'public' })).toBe(
      `{ "tools":[1.50],"resultType":"complete","ttlMs":1000,"cacheScope":"public","_meta":{"${SERVER_INFO}":${INFO}} }\n`,
    );
    expect(modern('{}')).toBe('{"resultType":"complete"}');
    expect(modern(' { } ')).toBe(' {"resultType":"complete" } ');
    expect(modern('{"a":1}', { fresh: true, ttlMs: -1 })).toBe('{"a":1,"resultType":"complete","ttlMs":0}');
    expect(modern('{"a":1}', { ttlMs: Number.NaN })).toBe('{"a":1,"resultType":"complete","ttlMs":0}');
  });

  it('is not copied when it is large and only gets members appended', () => {
    const result = Buffer.from(JSON.stringify({ tools: ['x'.repeat(50_000)] }));
    const pieces = withResultMembers(result, { resultType: 'complete', ttlMs: 1, fresh: true });
    const [first] = pieces as readonly Buffer[];
    expect(first?.buffer).toBe(result.buffer);
    expect(inOne(pieces).toString()).toBe(`${result.toString().slice(0, -1)},"resultType":"complete","ttlMs":1}`);
  });

  it('is the same in pieces, whatever its length and its letters', () => {
    for (const size of [1, 2_000, 80_000]) {
      const content = ['é'.repeat(size)];
      const result = Buffer.from(JSON.stringify({ content, ttlMs: 1, _meta: { 'ä/b': 1 } }));
      const pieces = withResultMembers(result, { resultType: 'complete', serverInfo: '{"name":"ü"}' });
      expect(JSON.parse(inOne(pieces).toString())).toEqual({
        content,
        resultType: 'complete',
        _meta: { 'ä/b': 1, [SERVER_INFO]: { name: 'ü' } },
      });
    }
  });

  it('never has what an upstream smuggled into their places', () => {
    const smuggled =
      '{"resultType":"input_required","requestState":"s","inputRequests":{},"ttlMs":9,"cacheScope":"public","content":[]}';
    expect(JSON.parse(modern(smuggled))).toEqual({ resultType: 'complete', content: [] });
    expect(JSON.parse(modern(smuggled, { ttlMs: 0, cacheScope: 'private' }))).toEqual({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      content: [],
    });
    const escaped = '{"\\u0072esultType":"x","reques\\u0074State":"s","content":[]}';
    expect(JSON.parse(modern(escaped))).toEqual({ resultType: 'complete', content: [] });
  });

  it('keeps the questions and the state of one that asks for input, and gets no lifetime', () => {
    const asks = '{"resultType":"x","requestState":"s","inputRequests":{"a":{}},"ttlMs":9}';
    expect(JSON.parse(modern(asks, { resultType: 'input_required' }))).toEqual({
      resultType: 'input_required',
      requestState: 's',
      inputRequests: { a: {} },
    });
  });

  it('merges its identity into _meta, and drops what belongs to the hop behind', () => {
    const meta = `{"_meta":{"${SERVER_INFO}":{"name":"up"},"a/b":12345678901234567890,"progressToken":1}}`;
    expect(modern(meta, { serverInfo: INFO })).toBe(
      `{"_meta":{"${SERVER_INFO}":${INFO},"a/b":12345678901234567890},"resultType":"complete"}`,
    );
    expect(modern(meta)).toBe('{"_meta":{"a/b":12345678901234567890},"resultType":"complete"}');
    expect(JSON.parse(modern('{"_meta":null}', { serverInfo: INFO }))['_meta']).toEqual({
      [SERVER_INFO]: JSON.parse(INFO),
    });
    expect(modern('{"_meta":{"progressToken":1}}')).toBe('{"resultType":"complete"}');
    expect(modern('{"_meta":{"a":1}}')).toBe('{"_meta":{"a":1},"resultType":"complete"}');
  });

  it('does not mistake items for the result', () => {
    const list = '{"tools":[{"_meta":{"progressToken":1},"ttlMs":1,"resultType":"x"}]}';
    expect(modern(list)).toBe(
      '{"tools":[{"_meta":{"progressToken":1},"ttlMs":1,"resultType":"x"}],"resultType":"complete"}',
    );
  });

  it('says what it should whatever an upstream wrote', () => {
    const key = fc.constantFrom('resultType', 'requestState', 'ttlMs', 'cacheScope', 'content', 'x', '_meta');
    const meta = fc.dictionary(fc.constantFrom(SERVER_INFO, 'progressToken', 'a/b'), fc.jsonValue());
    const given = fc.dictionary(key, fc.oneof(fc.jsonValue(), meta), { noNullPrototype: true });
    fc.assert(
      fc.property(given, fc.boolean(), (result, spaced) => {
        const bytes = Buffer.from(JSON.stringify(result, null, spaced ? 1 : 0));
        const { x, content } = JSON.parse(bytes.toString());
        const out = JSON.parse(
          inOne(withResultMembers(bytes, { resultType: 'complete', serverInfo: INFO })).toString(),
        );
        expect(out).toMatchObject({ resultType: 'complete', _meta: { [SERVER_INFO]: JSON.parse(INFO) } });
        expect({ x: out.x, content: out.content }).toEqual({ x, content });
        for (const gone of ['requestState', 'ttlMs', 'cacheScope']) expect(out).not.toHaveProperty(gone);
        const back = JSON.parse(asLegacyResult(Buffer.from(JSON.stringify(out))).toString());
        expect(back).not.toHaveProperty('resultType');
        expect(back['_meta'] ?? {}).not.toHaveProperty(SERVER_INFO);
        expect(back['_meta']).not.toEqual({});
      }),
    );
  });
});

describe('a modern result for a legacy client', () => {
  it('has none of the modern members', () => {
    expect(
      legacy(
        `{"resultType":"complete","content":[{"_meta":{"ttlMs":1}}],"ttlMs":1,"cacheScope":"public","_meta":{"${SERVER_INFO}":{}}}`,
      ),
    ).toBe('{"content":[{"_meta":{"ttlMs":1}}]}');
    expect(legacy(`{"_meta":{"${SERVER_INFO}":{},"a/b":1}}`)).toBe('{"_meta":{"a/b":1}}');
  });

  it('is the very buffer when there is nothing to take', () => {
    for (const json of ['{"content":[]}', '{"content":[{"_meta":{}}],"_meta":{"a/b":1}}']) {
      const bytes = Buffer.from(json);
      expect(asLegacyResult(bytes)).toBe(bytes);
    }
  });
});

describe('messages of a listen stream', () => {
  const KEY = 'io.modelcontextprotocol/subscriptionId';

  it('name their stream', () => {
    expect(withSubscriptionId(undefined, 7).toString()).toBe(`{"_meta":{"${KEY}":7}}`);
    expect(withSubscriptionId(Buffer.from('{"uri":"a:b"}'), '"x"').toString()).toBe(
      `{"uri":"a:b","_meta":{"${KEY}":"x"}}`,
    );
    expect(withSubscriptionId(Buffer.from(`{"_meta":{"${KEY}":"forged","a/b":1}}`), 7).toString()).toBe(
      `{"_meta":{"${KEY}":7,"a/b":1}}`,
    );
    expect(withSubscriptionId(Buffer.from('{"_meta":null}'), 7).toString()).toBe(`{"_meta":{"${KEY}":7}}`);
  });
});
