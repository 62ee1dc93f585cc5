import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ScanFault, type ScanLimits, scan } from './scan.js';
import { JsonView } from './view.js';

const LIMITS: ScanLimits = { depth: 64, nodes: 100_000, uniqueKeys: true };
const LOOSE: ScanLimits = { depth: 1000, nodes: 1_000_000, uniqueKeys: false };

function accept(input: string | Buffer, limits = LIMITS): JsonView {
  const result = scan(Buffer.from(input as string), limits);
  if (!(result instanceof JsonView)) throw new Error(`refused at ${result.offset}: ${result.reason}`);
  return result;
}

function refuse(input: string | Buffer, limits = LIMITS): ScanFault {
  const result = scan(Buffer.from(input as string), limits);
  if (result instanceof JsonView) throw new Error('accepted');
  return result;
}

describe('the grammar', () => {
  it.each([
    'null',
    'true',
    'false',
    '0',
    '-0',
    '-12.5e+3',
    '1E9',
    '1e999',
    '9007199254740993',
    '""',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"',
    '"\\ud800"',
    '"\u007f"',
    '[]',
    ' [ ] ',
    '[1, 2,\t3\r\n]',
    '{}',
    '{ "a" : { } }',
    '"😀"',
  ])('accepts %s', (text) => {
    expect(accept(text).value()).toEqual(JSON.parse(text));
  });

  it.each([
    '',
    ' ',
    'nul',
    'True',
    'undefined',
    'NaN',
    '-',
    '+1',
    '01',
    '-01',
    '1.',
    '.5',
    '1e',
    '1e+',
    '0x1',
    '"',
    '"a',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\n"',
    '"\u0000"',
    "'a'",
    '[',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1 2]',
    '[1}',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,}',
    '{,}',
    '{a:1}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{1:2}',
    '{"a":1]',
    ']',
    '1 2',
    '{}{}',
    '[]x',
    '// c\n1',
    '1 /* c */',
    '\u00a01',
  ])('refuses %j', (text) => {
    expect(refuse(text).kind).toBe('syntax');
    expect(() => JSON.parse(text)).toThrow();
  });

  it('says what is wrong and where', () => {
    expect(refuse('{"a":1,}')).toMatchObject({ offset: 7, reason: "expected a key in quotes but found '}'" });
    expect(refuse('[1 2]')).toMatchObject({ offset: 3, reason: "expected ',' or ']' but found '2'" });
    expect(refuse('{"a":tru}')).toMatchObject({ offset: 5, reason: "expected a value but found 't'" });
    expect(refuse('{"a":"\n"}')).toMatchObject({
      offset: 6,
      reason: 'unexpected the control character 0x0a inside a string',
    });
    expect(refuse('{}{}')).toMatchObject({ offset: 2 });
  });
});

describe('the encoding', () => {
  it.each([
    ['invalid', [0x22, 0xff, 0x22]],
    ['overlong', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate as UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['truncated', [0x22, 0xe2, 0x82, 0x22]],
    ['beyond U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])('refuses %s', (_name, bytes) => {
    expect(refuse(Buffer.from(bytes)).kind).toBe('syntax');
  });

  it('refuses UTF-16', () => {
    expect(refuse(Buffer.from('{"a":1}', 'utf16le')).kind).toBe('syntax');
  });

  it('points near the broken byte', () => {
    const bytes = Buffer.from(JSON.stringify({ text: 'é'.repeat(5000) }));
    bytes[7001] = 0xff;
    const { offset } = refuse(bytes);
    expect(Math.abs(offset - 7001)).toBeLessThan(8);
  });
});

describe('the limits', () => {
  it('counts the outermost value as depth 1', () => {
    expect(accept('['.repeat(64) + ']'.repeat(64)).type).toBe('array');
    expect(refuse('['.repeat(65) + ']'.repeat(65))).toMatchObject({ kind: 'depth', offset: 64 });
    expect(accept('1', { ...LIMITS, depth: 0 }).value()).toBe(1);
  });

  it('stops half a million brackets at the limit', () => {
    expect(refuse('['.repeat(500_000)).kind).toBe('depth');
    expect(refuse('{"a":'.repeat(5000)).kind).toBe('depth');
  });

  it('reads a million levels when it may, without a stack overflow', () => {
    const limits = { depth: 1_000_001, nodes: 2_000_000, uniqueKeys: true };
    expect(accept('['.repeat(1_000_000) + ']'.repeat(1_000_000), limits).type).toBe('array');
  });

  it('accepts 100,000 values and not one more', () => {
    const array = (n: number) => `[${Array.from({ length: n }, () => '0').join(',')}]`;
    expect(accept(array(99_999)).type).toBe('array');
    expect(refuse(array(100_000)).kind).toBe('nodes');
  });

  it('reads a string of a megabyte', () => {
    const text = 'é"\\\n😀x'.repeat(120_000);
    expect(accept(JSON.stringify({ text })).get('text')?.string()).toBe(text);
  });
});

describe('unique keys', () => {
  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"\\u0061":1,"a":2}',
    '{"x":{"y":[{"k":1,"b":2,"k":3}]}}',
    '{"":1,"":2}',
    '{"ключ":1,"ключ":2}',
    '{"é":1,"\\u00e9":2}',
    '{"\\ud800":1,"\\ud800":2}',
    '{"😀":1,"\\ud83d\\ude00":2}',
    '{"a":1,"b":{"a":1},"a":2}',
  ])('refuses %s', (text) => {
    expect(refuse(text).kind).toBe('duplicate');
    expect(accept(text, LOOSE).type).toBe('object');
  });

  it.each([
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":1,"A":2}',
    '{"\\ud800":1,"\\ufffd":2,"\\ud801":3}',
    '{"a":1,"a\\u0000":2}',
    '{"Aa":1,"BB":2}', // equal hashes
  ])('accepts %s', (text) => {
    expect(accept(text).type).not.toBe('null');
  });

  it('names the key', () => {
    expect(refuse('{"name":"ok","name":"evil"}')).toMatchObject({
      offset: 13,
      reason: 'the key "name" repeats in one object',
    });
  });

  it('sees a repetition among 50,000 keys, wherever it is', () => {
    const keys = Array.from({ length: 50_000 }, (_, i) => `"key${i}":${i}`);
    expect(
      accept(`{${keys.join(',')}}`)
        .get('key49999')
        ?.value(),
    ).toBe(49_999);
    for (const repeated of ['"key0":1', '"key31":1', '"key32":1', '"key\\u0034\\u0039999":1']) {
      expect(refuse(`{${[...keys, repeated].join(',')}}`).kind).toBe('duplicate');
    }
  });

  it('keeps the keys of large nested objects apart', () => {
    const inner = `{${Array.from({ length: 100 }, (_, i) => `"k${i}":0`).join(',')}}`;
    const outer = Array.from({ length: 100 }, (_, i) => `"k${i}":${inner}`).join(',');
    expect(accept(`{${outer}}`).type).toBe('object');
    expect(refuse(`{${outer},"k5":1}`).kind).toBe('duplicate');
  });

  it('starts afresh after a refused message', () => {
    refuse('{"a":{"b":{"c":[');
    expect(accept('{"a":1,"b":2}').value()).toEqual({ a: 1, b: 2 });
  });
});

describe('the view', () => {
  it('knows the members of the envelope, params and _meta', () => {
    const v = accept('{"id":1,"params":{"_meta":{"progressToken":7},"arguments":{"deep":{"x":1}}},"method":"m"}');
    expect(v.at('params', '_meta', 'progressToken')?.value()).toBe(7);
    expect(v.at('params', 'arguments', 'deep', 'x')?.value()).toBe(1);
    expect(v.get('method')?.string()).toBe('m');
    expect(
      v
        .get('params')
        ?.members()
        .map((m) => m.key),
    ).toEqual(['_meta', 'arguments']);
    expect(v.value()).toEqual(JSON.parse(v.raw().toString()));
  });

  it('skips white space around the value', () => {
    expect(accept(' \r\n {"a":1}\t').raw().toString()).toBe('{"a":1}');
  });

  it('does not mistake the params of something nested for those of the message', () => {
    const v = accept('{"x":{"params":{"a":1}},"params":{"x":{"_meta":{"a":2}},"_meta":{"a":3}}}');
    expect(v.at('params', '_meta', 'a')?.value()).toBe(3);
    expect(v.at('x', 'params', 'a')?.value()).toBe(1);
    expect(v.at('params', 'x', '_meta', 'a')?.value()).toBe(2);
  });

  it('reads params with more members than it indexes', () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`m${i}`, i]));
    const v = accept(JSON.stringify({ id: 1, params: { _meta: { a: 1 }, ...many }, ...many, method: 'x' }));
    expect(v.get('method')?.string()).toBe('x');
    expect(v.at('params', 'm2999')?.value()).toBe(2999);
    expect(v.at('params', '_meta', 'a')?.value()).toBe(1);
  });

  it('keeps the last of repeated params when repetition is allowed', () => {
    const v = accept('{"params":{"a":1},"params":{"a":2,"_meta":{}},"params":{"a":3}}', LOOSE);
    expect(v.at('params', 'a')?.value()).toBe(3);
  });
});

describe('agreement with JSON.parse', () => {
  const parses = (bytes: Buffer): boolean => {
    try {
      JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
      return true;
    } catch {
      return false;
    }
  };

  it('accepts whatever JSON.stringify writes, with the same meaning', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const v = accept(text);
        expect(v.value()).toEqual(JSON.parse(text));
        for (const { key, value: member } of v.members()) expect(v.get(key)?.raw()).toEqual(member.raw());
      }),
      { numRuns: 300 },
    );
  });

  it('accepts and refuses mutated JSON as JSON.parse does', () => {
    const mutation = fc.record({
      at: fc.nat(),
      action: fc.constantFrom('replace', 'insert', 'delete', 'truncate', 'double'),
      byte: fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\u0123eE+-.tfn \n\t\0')), fc.nat(255)),
    });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.array(mutation, { maxLength: 3 }), (value, mutations) => {
        const bytes = mutations.reduce(
          (all, { at: where, action, byte }) => {
            const at = where % (all.length + 1);
            if (action === 'truncate') return all.subarray(0, at);
            if (action === 'double') return Buffer.concat([all.subarray(0, at), all.subarray(Math.max(0, at - 4))]);
            const inserted = action === 'delete' ? [] : [byte];
            const from = action === 'insert' ? at : at + 1;
            return Buffer.concat([all.subarray(0, at), Buffer.from(inserted), all.subarray(from)]);
          },
          Buffer.from(JSON.stringify(value)),
        );
        const result = scan(bytes, LOOSE);
        expect(result instanceof JsonView).toBe(parses(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses exactly the objects whose decoded keys repeat', () => {
    const spelled = fc.tuple(fc.constantFrom('a', 'b', 'c', 'é', 'name'), fc.boolean());
    fc.assert(
      fc.property(fc.array(spelled, { maxLength: 6 }), (keys) => {
        const text = `{${keys.map(([key, escaped]) => `${escaped ? inEscapes(key) : `"${key}"`}:0`).join(',')}}`;
        const repeats = new Set(keys.map(([key]) => key)).size < keys.length;
        expect(scan(Buffer.from(text), LIMITS) instanceof JsonView).toBe(!repeats);
      }),
    );
  });
});

function inEscapes(key: string): string {
  return `"${[...key].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
}
