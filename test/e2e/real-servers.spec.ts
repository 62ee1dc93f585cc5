import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type Peer, textOf } from '../support/client.js';
import { type Gateway, listed, spawnGateway } from '../support/gateway.js';
import { EVERYTHING, FILESYSTEM, http, MEMORY, startEverything, stdio } from '../support/upstreams.js';
import { Cleanup, Inbox, until } from '../support/wait.js';

const servers = new Cleanup();
const clients = new Cleanup();
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-gateway-real-')));
const files = join(directory, 'files');
let gateway: Gateway;

beforeAll(async () => {
  mkdirSync(files);
  writeFileSync(join(files, 'hello.txt'), 'hello from a file');
  const [streamable, sse] = await Promise.all([startEverything('streamableHttp'), startEverything('sse')]);
  servers.add(streamable);
  servers.add(sse);
  gateway = servers.add(
    await spawnGateway({
      servers: [
        stdio('stdio', EVERYTHING, ['stdio']),
        http('http', streamable.url),
        { name: 'sse', type: 'sse', connection: { url: sse.url } },
        stdio('files', FILESYSTEM, [files]),
        stdio('memory', MEMORY, [], { env: { MEMORY_FILE_PATH: join(directory, 'memory.jsonl') } }),
      ],
    }),
  );
  await listed(gateway, 'stdio', 'http', 'sse', 'files', 'memory');
});
afterEach(() => clients.close());
afterAll(async () => {
  await servers.close();
  rmSync(directory, { recursive: true, force: true });
});

const enter = async (options?: ConnectOptions): Promise<Peer> => clients.add(await connect(gateway.mcp(), options));

describe.each(['stdio', 'http', 'sse'])('server-everything over %s, in the aggregate', (server) => {
  const name = (own: string) => `${server}:${own}`;

  it('calls tools and gets structured content', async () => {
    const peer = await enter();
    expect(textOf(await peer.call(name('echo'), { message: 'hello' }))).toBe('Echo: hello');
    expect(textOf(await peer.call(name('get-sum'), { a: 2, b: 40 }))).toContain('42');
    const tool = (await peer.tools()).find((tool) => tool.name === name('get-structured-content'));
    expect(tool?.outputSchema).toMatchObject({ type: 'object' });
    const weather = await peer.call(name('get-structured-content'), { location: 'New York' });
    expect(weather.structuredContent).toMatchObject({ conditions: expect.any(String) });
  });

  it('gets images, and links whose URIs can be read', async () => {
    const peer = await enter();
    const image = await peer.call(name('get-tiny-image'));
    expect(image.content.some((block) => block.type === 'image' && block.mimeType === 'image/png')).toBe(true);
    const links = await peer.call(name('get-resource-links'), { count: 2 });
    const [link] = links.content.filter((block) => block.type === 'resource_link');
    expect(link?.uri).toMatch(new RegExp(`^${server}\\+`));
    const read = await peer.client.readResource({ uri: link?.uri ?? '' });
    expect(read.contents[0]?.uri).toBe(link?.uri);
  });

  it('reports progress of a long operation', async () => {
    const peer = await enter();
    const seen: Progress[] = [];
    const call = { name: name('trigger-long-running-operation'), arguments: { duration: 0.4, steps: 4 } };
    const result = await peer.client.callTool(call, undefined, { onprogress: (progress) => seen.push(progress) });
    expect(result.isError).not.toBe(true);
    expect(seen.map(({ progress }) => progress)).toEqual([1, 2, 3, 4]);
  });

  it('gets prompts, and completes their arguments', async () => {
    const peer = await enter();
    const prompts = (await peer.prompts()).map((prompt) => prompt.name);
    expect(prompts).toContain(name('args-prompt'));
    const prompt = await peer.client.getPrompt({ name: name('args-prompt'), arguments: { city: 'Berlin' } });
    expect(JSON.stringify(prompt.messages)).toContain('Berlin');
    const completion = await peer.client.complete({
      ref: { type: 'ref/prompt', name: name('completable-prompt') },
      argument: { name: 'department', value: 'E' },
    });
    expect(completion.completion.values).toContain('Engineering');
  });

  it('reads resources by template', async () => {
    const peer = await enter();
    const templates = (await peer.templates()).filter(({ uriTemplate }) => uriTemplate.startsWith(`${server}+`));
    expect(templates.length).toBeGreaterThan(0);
    const text = templates.find(({ uriTemplate }) => uriTemplate.includes('/text/'));
    const uri = text?.uriTemplate.replace(/\{[^}]+\}/, '7') ?? '';
    const { contents } = await peer.client.readResource({ uri });
    expect(contents).toMatchObject([{ uri, text: expect.stringContaining('7') }]);
  });

  it('asks the client: elicitation, sampling and roots', async () => {
    const asked = new Inbox<string>();
    const peer = await enter({
      elicit: () => {
        asked.push('elicit');
        return { action: 'accept', content: { name: 'Ada' } };
      },
      sample: () => {
        asked.push('sample');
        return { role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled text' } };
      },
      roots: () => [{ uri: 'file:///home/ada', name: 'Ada' }],
    });
    const asking = ['trigger-elicitation-request', 'trigger-sampling-request', 'get-roots-list'].map(name);
    await until('the tools for clients that can answer are listed', async () => {
      const names = (await peer.tools()).map((tool) => tool.name);
      return asking.every((tool) => names.includes(tool));
    });
    expect(textOf(await peer.call(name('trigger-elicitation-request')))).toContain('Ada');
    const sampled = await peer.call(name('trigger-sampling-request'), { prompt: 'p', maxTokens: 10 });
    expect(textOf(sampled)).toContain('sampled text');
    expect(asked.items).toEqual(['elicit', 'sample']);
    expect(textOf(await peer.call(name('get-roots-list')))).toContain('file:///home/ada');
  });

  it('delivers updates of a subscribed resource', async () => {
    const peer = await enter();
    const [resource] = (await peer.resources()).filter(({ uri }) => uri.startsWith(`${server}+`));
    const uri = resource?.uri ?? '';
    await peer.client.subscribeResource({ uri });
    await peer.call(name('toggle-subscriber-updates'));
    const update = await peer.notifications.first(
      'an update',
      ({ method }) => method === 'notifications/resources/updated',
    );
    expect(update.params).toMatchObject({ uri });
    await peer.call(name('toggle-subscriber-updates'));
    await peer.client.unsubscribeResource({ uri });
  });
});

describe('server-filesystem', () => {
  it('reads, writes and lists files, and refuses what lies outside', async () => {
    const peer = await enter();
    const path = join(files, 'hello.txt');
    expect(textOf(await peer.call('files:read_text_file', { path }))).toBe('hello from a file');
    const written = join(files, 'written.txt');
    await peer.call('files:write_file', { path: written, content: 'written' });
    expect(textOf(await peer.call('files:list_directory', { path: files }))).toContain('written.txt');
    const outside = await peer.call('files:read_text_file', { path: '/etc/hostname' });
    expect([outside.isError, textOf(outside)]).toEqual([true, expect.stringContaining('Access denied')]);
  });
});

describe('server-memory', () => {
  it('remembers between calls, on its own endpoint as in the aggregate', async () => {
    const peer = await enter();
    const entity = { name: 'Ada', entityType: 'person', observations: ['wrote the first program'] };
    await peer.call('memory:create_entities', { entities: [entity] });
    const single = clients.add(await connect(gateway.mcp('memory')));
    const graph = await single.call('read_graph');
    expect(graph.structuredContent).toMatchObject({ entities: [entity] });
  });
});
