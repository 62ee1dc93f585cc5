import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.js';

const schema = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    ratio: { type: 'number' },
    on: { type: 'boolean' },
    options: { type: 'object' },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { type: 'number' } },
    level: { enum: ['low', 'high', 3] },
    maybe: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'null' }] },
    either: { type: ['string', 'boolean'] },
    place: { $ref: '#/$defs/Place' },
    loop: { $ref: '#/$defs/Loop' },
  },
  $defs: { Place: { type: 'object' }, Loop: { $ref: '#/$defs/Loop' } },
};

describe('parseArguments', () => {
  it('types values by the schema of the tool', () => {
    const words = ['text=42', 'count=42', 'ratio=-1.5e3', 'on=true', 'options={"a":[1]}', 'place={"x":1}', 'level=3'];
    expect(parseArguments(words, schema)).toEqual({
      text: '42',
      count: 42,
      ratio: -1500,
      on: true,
      options: { a: [1] },
      place: { x: 1 },
      level: 3,
    });
  });

  it('keeps everything after the first equals sign', () => {
    expect(parseArguments(['text=a=b=c', 'either='], schema)).toEqual({ text: 'a=b=c', either: '' });
  });

  it('takes lists as JSON, with commas, or from a repeated name', () => {
    expect(parseArguments(['tags=["a,b"]', 'sizes=1,2.5'], schema)).toEqual({ tags: ['a,b'], sizes: [1, 2.5] });
    expect(parseArguments(['tags=a', 'tags=b'], schema)).toEqual({ tags: ['a', 'b'] });
    expect(parseArguments(['tags='], schema)).toEqual({ tags: [] });
  });

  it('tries the narrow alternatives of a union before text', () => {
    expect(parseArguments(['maybe=7', 'either=false'], schema)).toEqual({ maybe: 7, either: false });
    expect(parseArguments(['maybe=seven', 'either=no'], schema)).toEqual({ maybe: 'seven', either: 'no' });
    expect(parseArguments(['maybe=null'], schema)).toEqual({ maybe: null });
  });

  it('guesses where there is no schema, and survives one that refers to itself', () => {
    expect(parseArguments(['a=1', 'b=x', 'c={"d":true}'], undefined)).toEqual({ a: 1, b: 'x', c: { d: true } });
    expect(parseArguments(['loop=1'], schema)).toEqual({ loop: 1 });
  });

  it('lets single arguments replace those of --json', () => {
    expect(parseArguments(['count=2'], schema, '{"count":1,"text":"t"}')).toEqual({ count: 2, text: 't' });
  });

  it('says what is wrong with an argument', () => {
    const problem = (word: string) => {
      try {
        return JSON.stringify(parseArguments([word], schema));
      } catch (thrown) {
        return (thrown as Error).message;
      }
    };
    expect(problem('hello')).toBe("'hello' is not an argument; write name=value");
    expect(problem('count=many')).toBe("count must be a number, not 'many'");
    expect(problem('on=yes')).toBe("on must be true or false, not 'yes'");
    expect(problem('level=mid')).toBe("level must be one of low, high, 3, not 'mid'");
    expect(problem('options=[1]')).toContain('options must be a JSON object');
    expect(problem('options={')).toContain('options is not valid JSON');
  });

  it('treats a dangerous name as an argument like any other', () => {
    const args = parseArguments(['__proto__={"polluted":true}'], schema);
    expect(Object.keys(args)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
