import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeaderValue, encodeHeaderValue, headerEquals } from './header-values.js';

describe('header values', () => {
  it.each([
    ['us-west1', 'us-west1'],
    ['two words', 'two words'],
    ['a\tb', 'a\tb'],
    ['=?base64?', '=?base64?'],
    ['=?BASE64?YQ==?=', '=?BASE64?YQ==?='],
    ['', '=?base64??='],
    [' lead', '=?base64?IGxlYWQ=?='],
    ['trail\t', '=?base64?dHJhaWwJ?='],
    ['größe', '=?base64?Z3LDtsOfZQ==?='],
    ['a\r\nb', '=?base64?YQ0KYg==?='],
    ['a\u007fb', '=?base64?YX9i?='],
    ['=?base64?YQ==?=', '=?base64?PT9iYXNlNjQ/WVE9PT89?='],
    ['=?base64?=', '=?base64?PT9iYXNlNjQ/PQ==?='],
  ])('spells %j as %j, and back', (value, header) => {
    expect(encodeHeaderValue(value)).toBe(header);
    expect(decodeHeaderValue(header)).toBe(value);
  });

  it('comes back from any text as it went in, through a header any server takes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary-ascii' })), (value) => {
        const header = encodeHeaderValue(value);
        expect(header).toMatch(/^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/);
        expect(decodeHeaderValue(header)).toBe(value);
        expect(decodeHeaderValue(` \t${header} `)).toBe(value);
        expect(headerEquals(header, value)).toBe(true);
      }),
    );
  });

  it('never throws, whatever a header holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        decodeHeaderValue(text);
        decodeHeaderValue(`=?base64?${text}?=`);
      }),
    );
  });

  it('takes an empty header for an empty value', () => {
    expect(decodeHeaderValue('')).toBe('');
    expect(decodeHeaderValue('  ')).toBe('');
  });

  it.each([
    ['bad alphabet', '=?base64?YQ!=?='],
    ['URL-safe alphabet', '=?base64?__8=?='],
    ['missing padding', '=?base64?YQ?='],
    ['too much padding', '=?base64?YWJj=?='],
    ['padding inside', '=?base64?YQ==YQ==?='],
    ['bits behind the end', '=?base64?YR==?='],
    ['white space inside', '=?base64?YW Jj?='],
    ['bytes that are not UTF-8', '=?base64?/w==?='],
    ['a prefix that shares its end with the suffix', '=?base64?='],
    ['characters beyond ASCII', 'gr\u00f6\u00dfe'],
    ['control characters', 'a\u0001b'],
  ])('refuses %s', (_, header) => {
    expect(decodeHeaderValue(header)).toBeUndefined();
    expect(headerEquals(header, header)).toBe(false);
  });

  it('compares text exactly, numbers by value, booleans by their word', () => {
    expect(headerEquals('a', 'A')).toBe(false);
    expect(headerEquals('42.0', '42')).toBe(false);
    for (const same of ['42', '42.0', '042', '=?base64?NDI=?=']) expect(headerEquals(same, 42)).toBe(true);
    for (const other of ['', '43', '4.2e1', '0x2a', '42.00000000000000000001', 'forty-two', '+42']) {
      expect(headerEquals(other, 42)).toBe(false);
    }
    expect(headerEquals('-9007199254740991', -9007199254740991)).toBe(true);
    expect(headerEquals('1.50', 1.5)).toBe(true);
    expect(headerEquals('true', true)).toBe(true);
    expect(headerEquals('True', true)).toBe(false);
    expect(headerEquals('1', true)).toBe(false);
    expect(headerEquals('false', false)).toBe(true);
  });
});
