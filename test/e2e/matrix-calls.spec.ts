import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dataOf, textOf } from '../support/clients.js';
import { CELLS, Matrix, title } from '../support/matrix.js';
import { until } from '../support/wait.js';

const matrix = new Matrix();
beforeAll(() => matrix.start());
afterEach(() => matrix.endClients());
afterAll(() => matrix.close());

const MEGABYTES = 5;

describe.each(CELLS.map((cell) => [title(cell), cell] as const))('calls, %s', (_title, cell) => {
  it('lists every page of tools, prompts, resources and templates', async () => {
    const client = await matrix.connect(cell);
    expect(await client.names('tools')).toEqual(expect.arrayContaining(['echo', 'fat', 'ask', 'sample', 'touch']));
    expect(await client.names('prompts')).toEqual(expect.arrayContaining(['greet', 'pack', 'plain']));
    expect(await client.names('resources')).toEqual(expect.arrayContaining(['memo://notes/1', 'ui://app/main']));
    expect(await client.names('templates')).toEqual(expect.arrayContaining(['memo://notes/{id}']));
  });

  it('calls a tool, reads a resource and gets a prompt', async () => {
    const client = await matrix.connect(cell);
    expect(textOf(await client.call('echo', { message: 'hällo 😀' }))).toBe('hällo 😀');
    expect(await client.read('memo://notes/1')).toMatchObject({
      contents: [{ uri: 'memo://notes/1', text: 'content of memo://notes/1' }],
    });
    expect(await client.prompt('greet', { who: 'Ada' })).toMatchObject({
      messages: [{ role: 'user', content: { type: 'text', text: 'Hello Ada' } }],
    });
  });

  it('answers for an unknown tool and an unknown resource with the codes of its era', async () => {
    const client = await matrix.connect(cell);
    await expect(client.call('nobody')).rejects.toMatchObject({ code: -32602 });
    // The second SDK reads the legacy code for "not found" and reports the modern one.
    const code = cell.client === 'SDK v1' ? -32002 : -32602;
    await expect(client.read('memo://nothing')).rejects.toMatchObject({ code });
  });

  it(`brings a result of ${MEGABYTES} MB`, async () => {
    const client = await matrix.connect(cell);
    const text = textOf(await client.call('fat', { bytes: MEGABYTES * 1024 * 1024 }));
    expect(text.length).toBe(MEGABYTES * 1024 * 1024);
  });

  it('tells progress in order, before the result', async () => {
    const client = await matrix.connect(cell);
    const seen: string[] = [];
    const onprogress = ({ progress, total }: { progress: number; total?: number }) =>
      seen.push(`${progress} of ${total}`);
    await client.call('progress', { steps: 4 }, { onprogress });
    seen.push('result');
    expect(seen).toEqual(['1 of 4', '2 of 4', '3 of 4', '4 of 4', 'result']);
  });

  it('tells what a call logs, from the level on that the client wants', async () => {
    const client = await matrix.connect(cell);
    await client.logLevel('error');
    for (const level of ['debug', 'info', 'error', 'critical']) await client.call('log', { level, data: `a ${level}` });
    const logs = () =>
      client.told.items
        .filter(({ method }) => method === 'notifications/message')
        .map(({ params }) => params?.['data']);
    await until('the messages arrived', () => logs().length >= 2);
    expect(logs()).toEqual(['a error', 'a critical']);
  });

  it('completes an argument of a prompt and a variable of a template', async () => {
    const client = await matrix.connect(cell);
    const prompt = await client.complete({ type: 'ref/prompt', name: 'greet' }, { name: 'who', value: 'A' });
    expect(prompt).toEqual(['A-one', 'A-two', 'ref/prompt:greet']);
    const uri = 'memo://notes/{id}';
    const template = await client.complete({ type: 'ref/resource', uri }, { name: 'id', value: '1' });
    expect(template.slice(0, 2)).toEqual(['1-one', '1-two']);
  });

  it('carries the cancellation of a call to the server', async () => {
    const client = await matrix.connect(cell);
    const label = `cancel-${Math.random()}`;
    const gone = new AbortController();
    const answer = client.call('slow', { label }, { signal: gone.signal });
    answer.catch(() => undefined);
    const remembers = async (key: string) => (dataOf(await client.call('status'))[key] as string[]).includes(label);
    await until('the tool runs', () => remembers('running'));
    gone.abort('changed my mind');
    await expect(answer).rejects.toThrow();
    await until('the tool was cancelled', () => remembers('cancelled'));
  });

  it('keeps calls with the same ids and progress tokens apart', async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => matrix.connect(cell)));
    const rounds = clients.flatMap((client, who) =>
      [2, 5].map(async (steps) => {
        const seen: number[] = [];
        const onprogress = ({ progress }: { progress: number }) => seen.push(progress);
        await client.call('progress', { steps: steps + who, pauseMs: 5 }, { onprogress });
        const message = `${who}/${steps}`;
        expect(seen).toEqual(Array.from({ length: steps + who }, (_, n) => n + 1));
        expect(textOf(await client.call('echo', { message }))).toBe(message);
      }),
    );
    await Promise.all(rounds);
  });
});
