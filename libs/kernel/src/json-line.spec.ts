import { expect, it } from 'vitest';
import { visibleJson } from './json-line.js';

it('escapes what ends lines or turns text around, and changes no value', () => {
  const value = { text: 'a\u0085b\u2028c\u202ed\u009b2Je\u007f\ufeff', letters: 'äß漢😀' };
  const json = visibleJson(JSON.stringify(value));
  expect(json).not.toMatch(/[\p{Cc}\u2028\u202e\ufeff]/u);
  expect(json).toContain('äß漢😀');
  expect(JSON.parse(json)).toEqual(value);
});
