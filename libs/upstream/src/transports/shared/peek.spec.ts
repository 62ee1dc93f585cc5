import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peek, splitBatch } from './peek.js';

const look = (text: string) => peek(Buffer.from(text));

describe('peek', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":7,"result":{}}', { kind: 'response', id: 7, failed: false }],
    ['{"result":{"id":9,"error":"}"},"jsonrpc":"2.0","id":7}', { kind: 'response', id: 7, failed: false }],
    [' \n{ "id" : 7 , "error" : {} } \r\n', { kind: 'response', id: 7, failed: true }],
    ['{"id":"7","result":1}', { kind: 'response', id: undefined, failed: false }],
    ['{"id":null,"error":{}}', { kind: 'response', id: undefined, failed: true }],
    ['{"error":{}}', { kind: 'response', id: undefined, failed: true }],
    ['{"id":7.5,"result":1}', { kind: 'response', id: undefined, failed: false }],
    ['{"id":7,"method":"ping"}', { kind: 'other' }],
    ['{"method":"notifications/x","params":{"result":1}}', { kind: 'other' }],
    ['{}', { kind: 'other' }],
    ['[{"id":1}]', { kind: 'batch' }],
  ])('reads %s', (text, expected) => {
    expect(look(text)).toEqual(expected);
  });

  it.each([
    '',
    '   ',
    'starting on port 3000',
    '{ level: "info" }',
    "{'a':1}",
    '{"a":undefined}',
    '{"a":1',
    '{"a"}',
    '{"a":}',
    '{"a":1,}x',
    '{"a":"}',
    '{"a":{"b":1}',
    '[INFO] ready',
    '"text"',
    '42',
    'null',
  ])('takes %s for no message', (text) => {
    expect(look(text)).toBeUndefined();
  });

  it('finds the id whatever stands around it', () => {
    const payload = fc.json();
    fc.assert(
      fc.property(fc.nat(), payload, payload, fc.boolean(), (id, result, extra, idFirst) => {
        const [a, b] = [`"id":${id}`, `"result":${result}`];
        const text = `{"x":${extra},${idFirst ? `${a},${b}` : `${b},${a}`},"y":${extra}}`;
        expect(look(text)).toEqual({ kind: 'response', id, failed: false });
      }),
    );
  });

  it('skips long strings with escapes at any place', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('\\', '"', 'a'.repeat(40), 'é', '{', ']'), { maxLength: 60 }), (parts) => {
        const text = JSON.stringify({ result: parts.join(''), id: 3 });
        expect(look(text)).toEqual({ kind: 'response', id: 3, failed: false });
      }),
    );
  });

  it('does not fall over deep nesting', () => {
    expect(look(`{"result":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)},"id":1}`)).toMatchObject({ id: 1 });
  });
});

describe('splitBatch', () => {
  it('cuts arrays into their elements', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (items) => {
        const parts = splitBatch(Buffer.from(JSON.stringify(items, null, 1)));
        expect(parts?.map((part) => JSON.parse(part.toString()))).toEqual(JSON.parse(JSON.stringify(items)));
      }),
    );
  });

  it('refuses what is no array', () => {
    for (const text of ['{}', '[1', '[1 2]', '[}', '']) expect(splitBatch(Buffer.from(text))).toBeUndefined();
  });
});
