import { describe, expect, it } from 'vitest';
import { corridors } from '../testing/corridor.js';
import { ScriptedUpstream } from '../testing/scripted-upstream.js';

const open = corridors();

const VALUES = '{"completion":{"values":["file:///a"],"total":9007199254740993,"hasMore":false}}';

async function corridorOf(version = '2025-11-25') {
  const up = new ScriptedUpstream({ 'completion/complete': ({ result }) => result(VALUES) });
  up.welcome = { protocolVersion: version };
  return { up, corridor: await open({ up }) };
}

const argument = { name: 'x', value: 'up+file:///a' };
const context = { arguments: { y: 'up+file:///a' } };

describe('completion/complete', () => {
  it.each([
    [undefined, { type: 'ref/prompt', name: 'up:greet' }, { type: 'ref/prompt', name: 'greet' }],
    ['up', { type: 'ref/prompt', name: 'greet' }, { type: 'ref/prompt', name: 'greet' }],
    [undefined, { type: 'ref/resource', uri: 'up+file:///t/{x}' }, { type: 'ref/resource', uri: 'file:///t/{x}' }],
    [undefined, { type: 'ref/resource', uri: 'file:///t/{x}' }, { type: 'ref/resource', uri: 'file:///t/{x}' }],
    [undefined, { type: 'ref/resource', uri: 'up+file:///a' }, { type: 'ref/resource', uri: 'file:///a' }],
    ['up', { type: 'ref/resource', uri: 'file:///t/{x}' }, { type: 'ref/resource', uri: 'file:///t/{x}' }],
  ])('at %s is routed by its reference, and values are no URIs: %j', async (at, ref, own) => {
    const { up, corridor } = await corridorOf();
    const client = corridor.client({ ...(at !== undefined && { at }) });
    expect(await client.result('completion/complete', { ref, argument, context })).toBe(VALUES);
    expect(JSON.parse(up.last('completion/complete'))).toMatchObject({ ref: own, argument, context });
  });

  it('does not carry a context to an upstream that does not know it', async () => {
    const { up, corridor } = await corridorOf('2025-03-26');
    const ref = { type: 'ref/prompt', name: 'up:greet' };
    await corridor.client().result('completion/complete', { ref, argument, context });
    expect(JSON.parse(up.last('completion/complete'))).not.toHaveProperty('context');
  });

  it.each([
    { type: 'ref/prompt', name: 'greet' },
    { type: 'ref/resource', uri: 'up+file:///{nothing}' },
    { type: 'ref/prompt', name: 'x'.repeat(100_000) },
  ])('of what is not there has nothing to suggest: %j', async (ref) => {
    const { up, corridor } = await corridorOf();
    expect(await corridor.client().result('completion/complete', { ref, argument })).toBe(
      '{"completion":{"values":[]}}',
    );
    expect(up.seen.map(({ method }) => method)).not.toContain('completion/complete');
  });

  it.each([{ type: 'ref/tool', name: 'up:work' }, { type: 'ref/prompt' }, { type: 'ref/prompt', name: 5 }, undefined])(
    'needs a reference: %j',
    async (ref) => {
      const { corridor } = await corridorOf();
      const sent = corridor.client().send('completion/complete', { ref, argument });
      await expect(sent).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    },
  );
});

describe('a name nobody has', () => {
  it.each([
    ['tools/call', { name: 'x'.repeat(100_000) }],
    ['prompts/get', { name: 'x'.repeat(100_000) }],
    ['resources/read', { uri: 'x'.repeat(100_000) }],
  ])('is not repeated at full length: %s', async (method, params) => {
    const { corridor } = await corridorOf();
    const failed = await corridor
      .client()
      .send(method, params)
      .catch((error: Error) => error);
    expect((failed as Error).message.length).toBeLessThan(300);
  });

  it.each(['', ':', ':work', 'up:', 'work', 'UP:work', 'up:Work', 'up__work', 'up:work ', 'up:w\u200bork'])(
    'is never a guess: %j',
    async (name) => {
      const { up, corridor } = await corridorOf();
      await expect(corridor.client().send('tools/call', { name })).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
      expect(up.seen.map(({ method }) => method)).not.toContain('tools/call');
    },
  );
});
