import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonView } from '../json/view.js';
import { checkParamHeaders, paramHeaderValues, scanParamHeaders, stripParamHeaders } from './param-headers.js';

const view = (value: unknown) => JsonView.of(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
const scan = (schema: unknown) => scanParamHeaders(view(schema));
const text = (name: unknown) => ({ type: 'string', 'x-mcp-header': name });

const SCHEMA = {
  type: 'object',
  properties: {
    region: text('Region'),
    count: { type: 'integer', 'x-mcp-header': 'X_Count' },
    dry: { 'x-mcp-header': 'Dry', type: 'boolean' },
    where: { type: 'object', properties: { zone: text('Zone') } },
    plain: { type: 'string' },
  },
};

describe('x-mcp-header declarations', () => {
  it('are found at any depth of properties, with their spelling and path', () => {
    const { headers, fault } = scan(SCHEMA);
    expect(fault).toBeUndefined();
    expect([...headers]).toEqual([
      ['region', { name: 'Region', path: ['region'], type: 'string' }],
      ['x_count', { name: 'X_Count', path: ['count'], type: 'integer' }],
      ['dry', { name: 'Dry', path: ['dry'], type: 'boolean' }],
      ['zone', { name: 'Zone', path: ['where', 'zone'], type: 'string' }],
    ]);
  });

  it('are found however the key is spelled', () => {
    expect(scan('{"properties":{"a":{"type":"string","\\u0078-mcp-header":"A"}}}').headers.has('a')).toBe(true);
  });

  it('are none where the word is a name, data or text', () => {
    const innocent = {
      type: 'object',
      description: 'x-mcp-header',
      properties: { 'x-mcp-header': { type: 'string' }, a: { default: { 'x-mcp-header': '' }, enum: [text('')] } },
      examples: [{ properties: { a: text('') } }],
    };
    expect(scan(innocent)).toEqual({ headers: new Map() });
  });

  const a = text('A');
  it.each<[string, object]>([
    ['an empty name', { properties: { a: text('') } }],
    ['a number for a name', { properties: { a: text(7) } }],
    ['null for a name', { properties: { a: text(null) } }],
    ['a space', { properties: { a: text('A B') } }],
    ['a colon', { properties: { a: text('A:B') } }],
    ['a line break', { properties: { a: text('A\r\nB') } }],
    ['a letter beyond ASCII', { properties: { a: text('Régión') } }],
    ['the same name twice', { properties: { a, b: a } }],
    ['the same name in another case', { properties: { a, b: { properties: { c: text('a') } } } }],
    ['a number', { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }],
    ['an object', { properties: { a: { type: 'object', 'x-mcp-header': 'A' } } }],
    ['an array', { properties: { a: { type: 'array', 'x-mcp-header': 'A' } } }],
    ['null', { properties: { a: { type: 'null', 'x-mcp-header': 'A' } } }],
    ['several types', { properties: { a: { type: ['string', 'null'], 'x-mcp-header': 'A' } } }],
    ['no type', { properties: { a: { 'x-mcp-header': 'A' } } }],
    ['the root', { 'x-mcp-header': 'A', type: 'string' }],
    ['items', { properties: { list: { items: a } } }],
    ['properties of items', { properties: { list: { items: { properties: { a } } } } }],
    ['prefixItems', { properties: { list: { prefixItems: [{}, a] } } }],
    ...['oneOf', 'anyOf', 'allOf'].map((key): [string, object] => [key, { [key]: [{ properties: { a } }] }]),
    ...['not', 'if', 'then', 'else', 'additionalProperties', 'propertyNames'].map((key): [string, object] => [
      key,
      { [key]: { properties: { a } } },
    ]),
    ...['$defs', 'definitions', 'patternProperties', 'dependentSchemas'].map((key): [string, object] => [
      key,
      { [key]: { a } },
    ]),
  ])('are refused on %s', (_, schema) => {
    const { headers, fault } = scan(schema);
    expect(fault).toMatch(/^has /);
    expect(headers.size).toBe(0);
  });
});

describe('Mcp-Param headers', () => {
  const { headers } = scan(SCHEMA);

  it('carry the values that are there, encoded', () => {
    const args = view('{"region":" größe","count":42.0,"dry":false,"where":{"zone":"eu"},"plain":"p"}');
    expect(paramHeaderValues(args, headers)).toEqual({
      'Mcp-Param-Region': '=?base64?IGdyw7bDn2U=?=',
      'Mcp-Param-X_Count': '42',
      'Mcp-Param-Dry': 'false',
      'Mcp-Param-Zone': 'eu',
    });
  });

  it.each([
    ['absent', '{}'],
    ['null', '{"region":null,"count":null,"dry":null,"where":null}'],
    ['of a kind no header can say', '{"region":{},"count":9007199254740993,"dry":[],"where":{"zone":{}}}'],
    ['somewhere else', '{"zone":"eu","where":[{"zone":"eu"}]}'],
  ])('are left out for values that are %s, and not asked for', (_, args) => {
    expect(paramHeaderValues(view(args), headers)).toEqual({});
    expect(checkParamHeaders(view(args), headers, {})).toBeUndefined();
    expect(checkParamHeaders(view(args), headers, { 'mcp-param-region': 'anything' })).toBeUndefined();
  });

  it('are none without arguments', () => {
    expect(paramHeaderValues(undefined, headers)).toEqual({});
    expect(checkParamHeaders(undefined, headers, {})).toBeUndefined();
  });

  it('must be there and say the same', () => {
    const args = view({ region: 'eu', where: { zone: 'a' } });
    const good = { 'mcp-param-region': ' =?base64?ZXU=?= ', 'mcp-param-zone': 'a', 'mcp-param-other': 'x' };
    expect(checkParamHeaders(args, headers, good)).toBeUndefined();
    expect(checkParamHeaders(args, headers, { ...good, 'mcp-param-zone': undefined })).toMatch(
      /Mcp-Param-Zone .*missing/,
    );
    expect(checkParamHeaders(args, headers, { ...good, 'mcp-param-zone': 'A' })).toMatch(
      /arguments\.where\.zone differ/,
    );
    expect(checkParamHeaders(args, headers, { ...good, 'mcp-param-zone': '=?base64?A?=' })).toMatch(/not encoded/);
    expect(checkParamHeaders(args, headers, { ...good, 'mcp-param-zone': ['a', 'b'] })).toMatch(/more than once/);
  });

  it('agree with the arguments they were made from', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constant(null),
    );
    const args = fc.record({ region: value, count: value, dry: value, where: fc.record({ zone: value }) });
    fc.assert(
      fc.property(args, (given) => {
        const sent = Object.entries(paramHeaderValues(view(given), headers));
        const received = Object.fromEntries(sent.map(([name, raw]) => [name.toLowerCase(), raw]));
        expect(checkParamHeaders(view(given), headers, received)).toBeUndefined();
      }),
    );
  });
});

describe('stripping declarations', () => {
  const strip = (json: string) => stripParamHeaders(Buffer.from(json)).toString();

  it('takes them out wherever they stand and leaves every other byte', () => {
    expect(
      strip(
        '{ "name":"t","inputSchema":{"type":"object","x-mcp-header":1, "properties":{"a":{"x-mcp-header":"A","type":"string"},"x-mcp-header":{"type":"string"}},"anyOf":[{"x-mcp-header":"B"}]},"big":12345678901234567890}',
      ),
    ).toBe(
      '{ "name":"t","inputSchema":{"type":"object", "properties":{"a":{"type":"string"},"x-mcp-header":{"type":"string"}},"anyOf":[{}]},"big":12345678901234567890}',
    );
    expect(strip('{"properties":{"a":{"x-mcp-header":"A"}}}')).toBe('{"properties":{"a":{}}}');
  });

  it('gives back the very bytes when there is nothing to take', () => {
    const bytes = Buffer.from('{"name":"t","inputSchema":{"description":"x-mcp-header"}}');
    expect(stripParamHeaders(bytes)).toBe(bytes);
  });
});
