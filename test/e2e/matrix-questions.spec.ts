import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dataOf, textOf } from '../support/clients.js';
import { CELLS, Matrix, title } from '../support/matrix.js';
import { Inbox } from '../support/wait.js';

const matrix = new Matrix();
beforeAll(() => matrix.start());
afterEach(() => matrix.endClients());
afterAll(() => matrix.close());

type Params = Record<string, unknown>;

describe.each(CELLS.map((cell) => [title(cell), cell] as const))('questions, %s', (_title, cell) => {
  it('asks the user with a form', async () => {
    const asked = new Inbox<Params>();
    const client = await matrix.connect(cell, {
      elicit: (params) => {
        asked.push(params);
        return { action: 'accept', content: { answer: 'forty-two' } };
      },
    });
    const result = await client.call('ask', { message: 'What is it?' });
    expect(dataOf(result)).toEqual({ action: 'accept', content: { answer: 'forty-two' } });
    expect(asked.items).toMatchObject([{ requestedSchema: { properties: { answer: { title: 'Answer' } } } }]);
    expect(asked.items[0]?.['message']).toContain('What is it?');
  });

  it.each(['decline', 'cancel'] as const)('passes on that the user chose to %s', async (action) => {
    const client = await matrix.connect(cell, { elicit: () => ({ action }) });
    expect(dataOf(await client.call('ask'))).toEqual({ action });
  });

  it('sends the user to a page', async () => {
    const asked = new Inbox<Params>();
    const client = await matrix.connect(cell, {
      elicit: (params) => {
        asked.push(params);
        return { action: 'accept' };
      },
    });
    expect(dataOf(await client.call('ask_url'))).toMatchObject({ action: 'accept' });
    expect(asked.items).toMatchObject([{ mode: 'url', url: 'https://example.com/sign-in' }]);
  });

  it('asks the model of the client', async () => {
    const asked = new Inbox<Params>();
    const client = await matrix.connect(cell, {
      sample: (params) => {
        asked.push(params);
        return { role: 'assistant', model: 'm', stopReason: 'endTurn', content: { type: 'text', text: 'Hi' } };
      },
    });
    const result = dataOf(await client.call('sample', { prompt: 'Say hi', numbers: false }));
    expect(result).toMatchObject({ role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } });
    expect(asked.items).toMatchObject([{ maxTokens: 50, messages: [{ role: 'user', content: { text: 'Say hi' } }] }]);
  });

  it('asks for the roots of the client', async () => {
    const roots = [{ uri: 'file:///home/ada', name: 'Ada' }];
    const client = await matrix.connect(cell, { roots: () => roots });
    expect(dataOf(await client.call('roots'))).toMatchObject({ roots });
  });

  it('gives each of several clients that are asked at once its own answer', async () => {
    const words = ['a', 'b', 'c'];
    const results = await Promise.all(
      words.map(async (answer) => {
        const client = await matrix.connect(cell, { elicit: () => ({ action: 'accept', content: { answer } }) });
        return dataOf(await client.call('ask', { message: answer }));
      }),
    );
    expect(results.map(({ content }) => (content as { answer: string }).answer)).toEqual(words);
  });

  it('says what is missing when the client cannot answer, and goes on', async () => {
    const client = await matrix.connect(cell);
    const failed = await client.call('sample').then(
      (result) => result.isError === true,
      () => true,
    );
    expect(failed).toBe(true);
    expect(textOf(await client.call('echo', { message: 'still here' }))).toBe('still here');
  });

  it('asks round after round', async () => {
    const asked: string[] = [];
    const client = await matrix.connect(cell, {
      elicit: ({ message }) => {
        asked.push(String(message));
        return { action: 'accept', content: { answer: `answer ${asked.length}` } };
      },
    });
    expect(dataOf(await client.call('ask_twice'))).toEqual({ first: 'answer 1', second: 'answer 2' });
    expect(asked).toMatchObject([expect.stringContaining('first'), expect.stringContaining('second')]);
  });
});
