import { describe, expect, it } from 'vitest';
import type { Exchange, Outcome } from '#libs/kernel';
import { TestClient } from '../testing/client.js';
import { type FakeHandler, progress, result } from '../testing/fake-proxy.js';
import { Gate } from '../testing/gate.js';
import { gateways } from '../testing/gateways.js';
import { ModernClient } from '../testing/modern-client.js';

const start = gateways();
const SERVER_INFO = { 'io.modelcontextprotocol/serverInfo': { name: 'fake', version: '1' } };
const LEVEL = 'io.modelcontextprotocol/logLevel';

describe('results', () => {
  it('are complete, say who answered and for how long they are good', async () => {
    const freshness = { ttl: 1500.7, scope: 'public' as const };
    const gateway = await start({
      'tools/list': () => ({ kind: 'result', result: Buffer.from('{"tools":[]}'), freshness }),
      'prompts/list': () => result({ prompts: [] }),
      'tools/call': () => ({ kind: 'result', result: Buffer.from('{"content":[]}'), freshness }),
    });
    const client = new ModernClient(gateway.url);
    const list = await client.request('tools/list');
    expect(list.json.result).toEqual({
      tools: [],
      resultType: 'complete',
      ttlMs: 1500,
      cacheScope: 'public',
      _meta: SERVER_INFO,
    });
    expect(list.headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json' });
    expect((await client.request('prompts/list')).json.result).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
    expect((await client.tool()).json.result).toEqual({ content: [], resultType: 'complete', _meta: SERVER_INFO });
    expect((await client.request('server/discover')).json.result).toEqual({
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: { listChanged: true } },
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: SERVER_INFO,
    });
  });

  it('carry nothing an upstream could smuggle in', async () => {
    const smuggled = { resultType: 'input_required', requestState: 's', ttlMs: 9, inputRequests: {}, content: [] };
    const gateway = await start({ 'tools/call': () => result(smuggled) });
    const { json } = await new ModernClient(gateway.url).tool();
    expect(json.result).toEqual({ content: [], resultType: 'complete', _meta: SERVER_INFO });
  });

  it.each([-32_020, -32_021, -32_022, -32_002, -32_042])('never relay the code %d', async (code) => {
    const error = Buffer.from(JSON.stringify({ code, message: 'why', data: { secret: 1 } }));
    const gateway = await start({ 'tools/call': () => ({ kind: 'error', code, error }) });
    const answer = await new ModernClient(gateway.url).tool();
    expect(answer.status).toBe(200);
    expect(answer.json.error).toEqual({ code: -32603, message: 'why' });
  });

  it('relay other errors untouched', async () => {
    const error = { code: 7, message: 'mine', data: { x: 1 } };
    const gateway = await start({
      'tools/call': () => ({ kind: 'error', code: 7, error: Buffer.from(JSON.stringify(error)) }),
    });
    expect((await new ModernClient(gateway.url).tool({}, 'abc')).json).toEqual({ jsonrpc: '2.0', id: 'abc', error });
  });
});

describe('the exchange', () => {
  it('is of this request alone', async () => {
    const seen: Exchange[] = [];
    const gateway = await start({
      'tools/call': (exchange) => {
        seen.push(exchange);
        return result({});
      },
    });
    const client = new ModernClient(gateway.url, { capabilities: { roots: {} }, name: 'one', path: '/mcp/files' });
    await client.request('tools/call', { name: 't', _meta: { [LEVEL]: 'info' } });
    await client.with({ capabilities: {}, name: 'two' }).tool();
    expect(seen.map(({ client: hop, logLevel, endpoint }) => ({ hop, logLevel, endpoint }))).toEqual([
      {
        hop: { era: 'modern', version: '2026-07-28', name: 'one', clientVersion: '1', capabilities: { roots: {} } },
        logLevel: 'info',
        endpoint: { kind: 'server', server: 'files' },
      },
      {
        hop: { era: 'modern', version: '2026-07-28', name: 'two', clientVersion: '1', capabilities: {} },
        logLevel: undefined,
        endpoint: { kind: 'server', server: 'files' },
      },
    ]);
    expect(seen.every(({ session }) => session === undefined)).toBe(true);
  });

  it('becomes a stream with the first notification, on this request only', async () => {
    const gate = new Gate<Outcome>();
    const gateway = await start({
      'tools/call': (exchange) => {
        progress(exchange, 1);
        return gate.opened;
      },
      'tools/list': () => result({ tools: [] }),
    });
    const client = new ModernClient(gateway.url);
    const stream = await client.stream('tools/call', { name: 't', _meta: { progressToken: 1 } }, 'p');
    expect(stream.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    expect(await stream.next()).toMatchObject({ method: 'notifications/progress', params: { progress: 1 } });
    expect((await client.request('tools/list')).headers['content-type']).toBe('application/json');
    gate.open(result({ done: true }));
    expect(await stream.rest()).toMatchObject([{ id: 'p', result: { done: true, resultType: 'complete' } }]);
  });

  it('carries log messages of the level the request names and above, and none without', async () => {
    const log: FakeHandler = (exchange) => {
      for (const level of ['debug', 'info', 'error', 'nonsense']) {
        exchange.notify({
          method: 'notifications/message',
          params: Buffer.from(JSON.stringify({ level, data: level })),
        });
      }
      return result({});
    };
    const gateway = await start({ 'tools/call': log });
    const client = new ModernClient(gateway.url);
    const stream = await client.stream('tools/call', { name: 't', _meta: { [LEVEL]: 'info' } });
    expect((await stream.rest()).slice(0, -1).map((message) => message.params.level)).toEqual(['info', 'error']);
    expect((await client.tool()).headers['content-type']).toBe('application/json');
  });

  it('is aborted when its client goes away, before and after the first notification', async () => {
    const seen: Exchange[] = [];
    const gateway = await start({
      'tools/call': (exchange, request) => {
        seen.push(exchange);
        if (request.params?.get('arguments')) progress(exchange, 1);
        return new Promise((_resolve, reject) => void exchange.onAbort(reject));
      },
    });
    const client = new ModernClient(gateway.url);
    const stream = await client.stream('tools/call', { name: 't', arguments: {}, _meta: { progressToken: 1 } });
    await stream.next();
    stream.close();
    await expect.poll(() => seen[0]?.aborted).toBe(true);
    const { body, headers } = client.call('tools/call', { name: 't' });
    const controller = new AbortController();
    const pending = fetch(`${gateway.url}/mcp`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        ...(headers as Record<string, string>),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      signal: controller.signal,
    });
    await expect.poll(() => seen.length).toBe(2);
    expect(gateway.stats.running).toBe(1);
    controller.abort();
    await expect(pending).rejects.toThrow();
    await expect.poll(() => seen[1]?.aborted).toBe(true);
    expect(gateway.stats.running).toBe(0);
  });

  it('is answered when the gateway gives up on it', async () => {
    const gateway = await start({
      'tools/call': (exchange) => new Promise((_resolve, reject) => void exchange.onAbort(reject)),
    });
    const pending = new ModernClient(gateway.url).tool();
    await expect.poll(() => gateway.stats.running).toBe(1);
    gateway.drain.abortAll();
    expect((await pending).json.error.data.code).toBe('SHUTTING_DOWN');
    expect(gateway.stats.running).toBe(0);
  });

  it('serves both eras at once on one path', async () => {
    const gateway = await start({ 'tools/list': (exchange) => result({ tools: [], era: exchange.client.era }) });
    const [modern, legacy] = [new ModernClient(gateway.url), await TestClient.open(gateway.url)];
    const answers = await Promise.all([modern.request('tools/list'), legacy.request('tools/list')]);
    expect(answers.map(({ json }) => json.result.era)).toEqual(['modern', 'legacy']);
    expect(answers[1]?.json.result).not.toHaveProperty('resultType');
  });
});
