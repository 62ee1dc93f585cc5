import { describe, expect, it } from 'vitest';
import { Spellings } from './spellings.js';

describe('the spellings of clients', () => {
  it('are found out once per name, and anew under another configuration', () => {
    const asked: string[] = [];
    let maxLength = 64;
    const spellings = new Spellings((name) => {
      asked.push(name);
      return { separator: name, maxLength };
    });
    const [first, second] = [{}, {}];
    for (const name of ['a', 'b', 'a']) expect(spellings.of(name, first)).toEqual({ separator: name, maxLength: 64 });
    expect(asked).toEqual(['a', 'b']);
    maxLength = 48;
    expect(spellings.of('a', second)).toEqual({ separator: 'a', maxLength: 48 });
    expect(asked).toEqual(['a', 'b', 'a']);
  });

  it('of very many names, or of very long ones, are not kept', () => {
    let asked = 0;
    const spellings = new Spellings((name) => ({ separator: ':', maxLength: ++asked + name.length }));
    const configuration = {};
    const long = 'x'.repeat(10_000);
    spellings.of(long, configuration);
    spellings.of(long, configuration);
    expect(asked).toBe(2);
    for (let index = 0; index < 300; index++) spellings.of(`n${index}`, configuration);
    asked = 0;
    spellings.of('n0', configuration);
    spellings.of('n299', configuration);
    expect(asked).toBe(1);
  });
});
