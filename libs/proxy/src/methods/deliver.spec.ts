import { describe, expect, it } from 'vitest';
import { corridors } from '../testing/corridor.js';
import { type Script, ScriptedUpstream } from '../testing/scripted-upstream.js';

const open = corridors();

async function corridorOf(script: Script) {
  const up = new ScriptedUpstream(script);
  return { up, corridor: await open({ up }) };
}

const ODD =
  '{ "z":1e400,"a":12345678901234567890, "content":[{"type":"text","text":"\\u0041\\ud83d\\ude00","x":{"y":[1.0,-0,1E5]}}] ,"b":{}}';

describe('a result', () => {
  it('arrives byte for byte, whatever is in it', async () => {
    const { corridor } = await corridorOf({ 'tools/call': ({ result }) => result(ODD) });
    for (const [at, name] of [
      [undefined, 'up:work'],
      ['up', 'work'],
    ] as const) {
      const client = corridor.client({ ...(at !== undefined && { at }) });
      expect(await client.result('tools/call', { name })).toBe(ODD);
    }
  });

  it('loses what belongs to the other hop, and only that', async () => {
    const meta =
      '"io.modelcontextprotocol/serverInfo":{"name":"x"},"com.acme/k":9007199254740993,"io.modelcontextprotocol/related-task":{"taskId":"1"}';
    const { corridor } = await corridorOf({
      'tools/call': ({ result }) => result(`{"content":[],"_meta":{${meta}}}`),
    });
    const left = '{"content":[],"_meta":{"com.acme/k":9007199254740993}}';
    expect(await corridor.client().result('tools/call', { name: 'up:work' })).toBe(left);
    expect(await corridor.client({ at: 'up' }).result('tools/call', { name: 'work' })).toBe(left);
  });

  it('carries URIs in exposed form where the client follows them, not in text and data', async () => {
    const content = (own: string) =>
      `{"content":[{"type":"resource_link","uri":"${own}file:///a","name":"a"},{"type":"resource_link","uri":"https://x.example/r","name":"r"},{"type":"resource","resource":{"uri":"${own}file:///z","text":"file:///z"}},{"type":"text","text":"file:///a"}],"structuredContent":{"uri":"file:///a"}}`;
    const { corridor } = await corridorOf({ 'tools/call': ({ result }) => result(content('')) });
    expect(await corridor.client().result('tools/call', { name: 'up:work' })).toBe(content('up+'));
    expect(await corridor.client({ at: 'up' }).result('tools/call', { name: 'work' })).toBe(content(''));
  });

  it('fits the revision of the client', async () => {
    const { corridor } = await corridorOf({
      'tools/call': ({ result }) =>
        result(
          '{"content":[{"type":"resource_link","uri":"file:///a","name":"A"},{"type":"audio","data":"AA==","mimeType":"audio/wav"}]}',
        ),
    });
    const types = async (version: string) => {
      const text = await corridor.client({ version }).result('tools/call', { name: 'up:work' });
      return (JSON.parse(text) as { content: { type: string; text?: string }[] }).content;
    };
    expect((await types('2025-06-18')).map(({ type }) => type)).toEqual(['resource_link', 'audio']);
    expect((await types('2025-03-26')).map(({ type }) => type)).toEqual(['text', 'audio']);
    expect((await types('2024-11-05')).map(({ type }) => type)).toEqual(['text', 'text', 'resource']);
    expect((await types('2024-11-05'))[0]?.text).toBe('A: up+file:///a');
  });
});

describe('resources/read', () => {
  const contents: Script = {
    'resources/read': ({ params, result }) =>
      result(`{"contents":[{"uri":${JSON.stringify(params['uri'])},"text":"x"},{"uri":"file:///part","text":"y"}]}`),
  };

  it.each([
    ['up+file:///a', 'file:///a'],
    ['file:///a', 'file:///a'],
    ['up+https://x.example/r', 'https://x.example/r'],
    ['https://x.example/r', 'https://x.example/r'],
    ['up+file:///t/1', 'file:///t/1'],
    ['file:///t/1', 'file:///t/1'],
  ])('of %s asks for %s and answers with the URI the client sent', async (spelled, own) => {
    const { up, corridor } = await corridorOf(contents);
    const result = JSON.parse(await corridor.client().result('resources/read', { uri: spelled }));
    expect(JSON.parse(up.last('resources/read'))).toMatchObject({ uri: own });
    expect(result.contents.map(({ uri }: { uri: string }) => uri)).toEqual([spelled, 'up+file:///part']);
  });

  it('exposes http contents too, which are no links', async () => {
    const { corridor } = await corridorOf({
      'resources/read': ({ result }) => result('{"contents":[{"uri":"https://x.example/other","text":"y"}]}'),
    });
    const result = JSON.parse(await corridor.client().result('resources/read', { uri: 'up+https://x.example/r' }));
    expect(result.contents[0].uri).toBe('up+https://x.example/other');
  });

  it.each(['up+file:///t/gone', 'file:///t/gone'])('keeps an error as it is but for the URI: %s', async (uri) => {
    const { corridor } = await corridorOf({
      'resources/read': ({ error }) =>
        error('{"code":-32002,"message":"gone","data":{"uri":"file:///t/gone","n":90071992547409931},"x":1}'),
    });
    expect(await corridor.client().error('resources/read', { uri })).toBe(
      `{"code":-32002,"message":"gone","data":{"uri":"${uri}","n":90071992547409931},"x":1}`,
    );
  });

  it.each(['', 'nope', 'up+', 'other+file:///a', 'file:///elsewhere', `up+file:///${'a'.repeat(9000)}`])(
    'of what nobody has is -32002 and asks no upstream: %.40s',
    async (uri) => {
      const { up, corridor } = await corridorOf(contents);
      await expect(corridor.client().send('resources/read', { uri })).rejects.toMatchObject({
        code: 'UNKNOWN_RESOURCE',
      });
      expect(up.seen.map(({ method }) => method)).not.toContain('resources/read');
    },
  );
});

describe('an error that asks for a visit to a URL', () => {
  const ERROR =
    '{"code":-32042,"message":"Sign in","data":{"elicitations":[{"mode":"url","elicitationId":"1","message":"Here","url":"https://x.example/in"}]}}';

  it('is text for clients that do not know it', async () => {
    const { corridor } = await corridorOf({ 'tools/call': ({ error }) => error(ERROR) });
    expect(await corridor.client().error('tools/call', { name: 'up:work' })).toBe(ERROR);
    const old = await corridor.client({ version: '2025-06-18' }).result('tools/call', { name: 'up:work' });
    expect(JSON.parse(old)).toEqual({
      content: [{ type: 'text', text: 'Sign in\nHere: https://x.example/in' }],
      isError: true,
    });
  });
});
