import { afterEach, describe, expect, it } from 'vitest';
import { Calls } from './tasks.ts';
import { honest, Liar, type Lie } from './testing/liar.ts';
import { runWindow, type WindowResult } from './window.ts';

const liars: Liar[] = [];
afterEach(async () => {
  for (const liar of liars.splice(0)) await liar.stop();
});

/** Ten calls, one after the other unless said otherwise. */
async function callThrough(
  lie: Lie,
  options: { size?: number; clients?: number; perSocket?: number } = {},
): Promise<WindowResult> {
  const liar = await Liar.start(lie, options.perSocket);
  liars.push(liar);
  const calls = new Calls(liar.door, [{ caller: 0 }], { size: options.size ?? 64, tools: [[0, 0]] });
  const tasks = Array.from({ length: options.clients ?? 1 }, (_, slot) => calls.task(slot));
  const result = await runWindow(tasks, { calls: 10 });
  for (const task of tasks) task.close();
  return result;
}

const kinds = ({ failures }: WindowResult): string[] => failures.map(({ kind }) => kind);

describe('the check of a call', () => {
  it.each([64, 10_240, 1_048_576])('takes what comes back as it was sent, %i bytes of it', async (size) => {
    const result = await callThrough(honest, { size });
    expect(result.failures).toEqual([]);
    expect([result.calls, result.latencies.length]).toEqual([10, 10]);
  });

  it('takes the same as an event stream, with notifications before the response', async () => {
    const result = await callThrough((call) => {
      const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{}}';
      const body = `: hello\n\nevent: message\ndata: ${progress}\n\ndata: ${honest(call).body}\n\n`;
      return { type: 'text/event-stream', body };
    });
    expect(result).toMatchObject({ calls: 10, failures: [] });
  });

  it('goes on over a new connection where the server wants no more on the old one', async () => {
    expect(await callThrough(honest, { perSocket: 3 })).toMatchObject({ calls: 10, failures: [] });
  });

  it.each([0, 7])('finds the reply to another call, at call %i', async (at) => {
    let last = honest({ id: 1, params: { arguments: { text: 'nobody asked' } } });
    const result = await callThrough((call, count) => {
      const mine = honest(call);
      const sent = count === at ? last : mine;
      last = mine;
      return sent;
    });
    expect(kinds(result)).toEqual(['content']);
    expect(result.calls).toBe(9);
  });

  it('finds the text of another call under the right id, where clients call at once', async () => {
    const held: { id: number; text: string }[] = [];
    const result = await callThrough(
      (call, count) => {
        held.push({ id: call.id, text: call.params.arguments.text });
        const other = held[count === 5 ? 4 : count] ?? { id: 0, text: '' };
        return honest({ id: call.id, params: { arguments: { text: other.text } } });
      },
      { clients: 4 },
    );
    expect(kinds(result)).toEqual(['content']);
    expect(result.failures[0]?.message).toMatch(/not what was sent/);
  });

  it('finds one changed byte in the middle of a megabyte', async () => {
    const result = await callThrough(
      (call, count) => {
        const { body } = honest(call);
        const middle = body.length / 2;
        return { body: count === 3 ? `${body.slice(0, middle)}#${body.slice(middle + 1)}` : body };
      },
      { size: 1_048_576 },
    );
    expect(kinds(result)).toEqual(['content']);
  });

  it('finds statuses, errors, failed tools and broken connections', async () => {
    const lies: Record<number, (id: number) => ReturnType<Lie>> = {
      1: () => ({ status: 503, body: '' }),
      2: (id) => ({ body: JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32603, message: 'no' } }) }),
      3: (id) => ({ body: JSON.stringify({ jsonrpc: '2.0', id, result: { content: [], isError: true } }) }),
      4: () => ({ body: '{"jsonrpc":' }),
      5: () => undefined,
    };
    const result = await callThrough((call, count) => (lies[count] ? lies[count](call.id) : honest(call)));
    expect(kinds(result)).toEqual(['status', 'error', 'error', 'content', 'lost']);
    expect(result.calls).toBe(5);
  });

  it('gives up soon where everything is wrong', async () => {
    const liar = await Liar.start(() => ({ status: 500, body: 'no' }));
    liars.push(liar);
    const calls = new Calls(liar.door, [{ caller: 0 }], { size: 64, tools: [[0, 0]] });
    const { failures } = await runWindow([calls.task(0)], { seconds: 60 });
    expect(failures.length).toBe(20);
  });
});
