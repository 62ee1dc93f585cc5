import { describe, expect, it } from 'vitest';
import { answers } from './questions.js';

const FORM = {
  type: 'object' as const,
  properties: {
    name: { type: 'string' as const, title: 'Your name' },
    age: { type: 'integer' as const, description: 'in years' },
    colour: { type: 'string' as const, enum: ['red', 'green'] },
  },
  required: ['name', 'age'],
};

/** Somebody who types these lines, in this order. */
async function typing(...lines: string[]) {
  const seen = { prompts: [] as string[], err: '' };
  const ask = async (prompt: string) => {
    seen.prompts.push(prompt);
    const next = lines.shift();
    if (next === undefined) throw new Error('nobody is there any more');
    return next;
  };
  const terminal = {
    err: (text: string) => {
      seen.err += text;
    },
  };
  return { content: await answers(FORM, ask, terminal), ...seen };
}

describe('answers to a question of a tool', () => {
  it('types them by the form, and leaves out what is optional and empty', async () => {
    const { content, prompts } = await typing('Ada = Byron', '36', '');
    expect(content).toEqual({ name: 'Ada = Byron', age: 36 });
    expect(prompts).toEqual(['  Your name: ', '  age (in years): ', '  colour (red | green; optional): ']);
  });

  it('asks again when an answer does not fit', async () => {
    const { content, err } = await typing('Ada', 'old', '36', 'blue', 'red');
    expect(content).toEqual({ name: 'Ada', age: 36, colour: 'red' });
    expect(err).toBe("  age must be a number, not 'old'\n  colour must be one of red, green, not 'blue'\n");
  });

  it('declines when something required stays empty, and after three answers that do not fit', async () => {
    expect((await typing('')).content).toBeUndefined();
    expect((await typing('Ada', 'a', 'b', 'c')).content).toBeUndefined();
  });
});
