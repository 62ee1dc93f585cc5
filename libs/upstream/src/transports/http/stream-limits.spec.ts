import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EgressGuard } from '#libs/egress';
import { exchangeOf, RecordingSink, toolCall } from '../../testing/callers.js';
import { Conversation, type TargetSettings, testTarget } from '../../testing/index.js';
import { startModernLab } from '../../testing/modern-lab.js';
import { proxyOf, RegistryBench, serverOf } from '../../testing/registries.js';
import { type Got, openStream, result, ScriptedServer } from '../../testing/scripted-server.js';
import { SseTransport } from '../sse/sse.transport.js';
import { StreamableHttpTransport } from './streamable-http.transport.js';

type Answer = (got: Got, response: ServerResponse) => void;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(answer: Answer, settings: TargetSettings, path = '/mcp') {
  const server = await ScriptedServer.start(answer);
  closers.push(() => server.close());
  const Transport = path === '/sse' ? SseTransport : StreamableHttpTransport;
  const transport = new Transport(new EgressGuard());
  const target = testTarget({ name: 'n8n', url: `${server.origin}${path}`, ...settings });
  closers.push(() => transport.release(target));
  const talk = await Conversation.open(transport, target);
  closers.push(() => talk.connection.close());
  return { server, talk };
}

const NOTE = `data: {"jsonrpc":"2.0","method":"notifications/x","params":{"text":"${'x'.repeat(1_000)}"}}\n\n`;

/** Writes notes until the stream is closed. */
function flood(response: ServerResponse): void {
  const more = () => {
    if (response.destroyed) return;
    response.write(NOTE);
    setImmediate(more);
  };
  more();
}

describe('the stream of a call', () => {
  it('that brings more than connection.limits.stream fails the call, and says so', async () => {
    const { server, talk } = await open((_got, response) => flood(openStream(response)), {
      limits: { stream: 20_000 },
    });
    const asked = talk.ask('tools/call');
    const error = await asked.response.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'UPSTREAM_TOO_LARGE',
      message: expect.stringMatching(/sent more than 20 KiB on one event stream.*connection\.limits\.stream/),
      data: { key: 'proxy.servers[].connection.limits.stream' },
    });
    // Every note is a little over a thousand bytes; nothing came after the last that fits.
    expect(asked.own.length).toBeGreaterThan(5);
    expect(asked.own.length).toBeLessThan(20);
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });

  it('that goes on for longer than connection.limits.stream_lifetime fails the call, and says so', async () => {
    const answer: Answer = (_got, response) => flood(openStream(response));
    const { server, talk } = await open(answer, { limits: { stream: 1024 ** 4, streamLifetime: 100 } });
    await expect(talk.ask('tools/call').response).rejects.toMatchObject({
      code: 'UPSTREAM_TOO_LARGE',
      message: expect.stringMatching(/open for longer than 0\.1 s.*connection\.limits\.stream_lifetime/),
      data: { key: 'proxy.servers[].connection.limits.stream_lifetime' },
    });
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });

  it('counts together with those that resume it', async () => {
    const { server, talk } = await open(
      ({ id }, response) => {
        openStream(response).end(`retry: 1\nid: e${server.got.length}\n${NOTE.repeat(4)}`);
        expect(id ?? 1).toBe(1);
      },
      { limits: { stream: 10_000 } },
    );
    await expect(talk.ask('tools/call').response).rejects.toMatchObject({ code: 'UPSTREAM_TOO_LARGE' });
    expect(server.got.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
  });
});

describe('the standing stream', () => {
  it.each([
    ['limits.stream', { stream: 20_000 }, flood],
    ['limits.stream_lifetime', { streamLifetime: 50 }, () => {}],
  ])('is opened anew beyond connection.%s, and nothing else notices', async (key, limits, act) => {
    const answer: Answer = ({ method, id }, response) => {
      if (method === 'GET') act(openStream(response).on('error', () => {}));
      else openStream(response).end(`data: ${result(id)}\n\n`);
    };
    const { server, talk } = await open(answer, { limits });
    talk.connection.listen();
    const opened = () => server.got.filter(({ method }) => method === 'GET').length;
    await vi.waitFor(() => expect(opened()).toBeGreaterThan(1), { timeout: 5_000 });
    expect(talk.limits[0]).toEqual({ key, worn: undefined });
    expect((await talk.ask('ping').response).result).toEqual({});
    expect(talk.closed).toEqual([]);
  });
});

describe('the stream that is a whole conversation (HTTP+SSE)', () => {
  const answer =
    (act: (stream: ServerResponse) => void): Answer =>
    ({ method }, response) => {
      if (method !== 'GET') {
        response.writeHead(202).end();
        return;
      }
      openStream(response).write('event: endpoint\ndata: /m\n\n');
      act(response);
    };

  it('asks to be replaced beyond connection.limits.stream_lifetime, and lets its calls finish', async () => {
    let stream: ServerResponse | undefined;
    const { talk } = await open(
      answer((opened) => {
        stream = opened;
      }),
      { limits: { streamLifetime: 50 } },
      '/sse',
    );
    const asked = talk.ask('tools/call');
    await talk.until(() => talk.limits.length > 0);
    expect(talk.limits).toMatchObject([{ key: 'limits.stream_lifetime', worn: { code: 'UPSTREAM_DISCONNECTED' } }]);
    stream?.write(`data: ${result(1)}\n\n`);
    expect((await asked.response).result).toEqual({});
    expect(talk.closed).toEqual([]);
  });

  it('is cut when it goes on for as long again', async () => {
    let stream: ServerResponse | undefined;
    const flooding = answer((opened) => {
      stream = opened;
      flood(opened);
    });
    const { talk } = await open(flooding, { limits: { stream: 20_000 } }, '/sse');
    await expect(talk.ask('tools/call').response).rejects.toMatchObject({
      code: 'UPSTREAM_TOO_LARGE',
      data: { key: 'proxy.servers[].connection.limits.stream' },
    });
    expect(talk.limits).toHaveLength(1);
    await talk.until(() => talk.closed.length === 1);
    await vi.waitFor(() => expect(stream?.destroyed).toBe(true));
  });
});

function bench(): RegistryBench {
  const guard = new EgressGuard();
  const made = new RegistryBench({
    'streamable-http': new StreamableHttpTransport(guard),
    sse: new SseTransport(guard),
  });
  closers.push(() => made.registry.stop(0));
  return made;
}

describe('sessions whose stream has a limit', () => {
  it('listen on another stream before the old one goes (2026-07-28)', async () => {
    const lab = await startModernLab();
    closers.push(() => lab.close());
    const test = bench();
    const limited: string[] = [];
    test.registry.events.on('limited', ({ key }) => limited.push(key));
    const server = serverOf('lab', 'streamable-http', { url: lab.url });
    server.connection.limits.stream_lifetime = 100;
    await test.up(proxyOf([server]));
    await vi.waitFor(() => expect(lab.count('subscriptions/listen')).toBeGreaterThan(2), { timeout: 5_000 });
    expect(new Set(limited)).toEqual(new Set(['proxy.servers[].connection.limits.stream_lifetime']));
    expect(test.upstream('lab').status.state).toBe('ready');
  });

  it('are replaced without a call failing (HTTP+SSE)', async () => {
    const streams: ServerResponse[] = [];
    let held: (() => void) | undefined;
    const upstream = await ScriptedServer.start(({ method, id, body, path }, response) => {
      if (method === 'GET') {
        streams.push(openStream(response));
        response.write(`event: endpoint\ndata: /m?s=${streams.length - 1}\n\n`);
        return;
      }
      response.writeHead(202).end();
      if (id === undefined) return;
      const rpc = (JSON.parse(body) as { method: string }).method;
      const stream = streams[Number(path.slice('/m?s='.length))];
      const answer = (value: string) => void stream?.write(`data: {"jsonrpc":"2.0","id":${id},"result":${value}}\n\n`);
      if (rpc === 'initialize')
        answer(
          '{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}',
        );
      else if (rpc === 'tools/list') answer('{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}');
      else if (rpc === 'tools/call' && !held) held = () => answer('{"content":[]}');
      else answer('{"content":[]}');
    });
    closers.push(() => upstream.close());
    const test = bench();
    const server = serverOf('old', 'sse', { url: `${upstream.origin}/sse` });
    // Longer than what passes for a crash loop.
    server.connection.limits.stream_lifetime = 400;
    await test.up(proxyOf([server]));
    const call = () => test.upstream('old').send(toolCall('t'), exchangeOf(), new RecordingSink());
    const first = call();
    await vi.waitFor(() => expect(streams.length).toBeGreaterThan(1), { timeout: 5_000 });
    expect(await call()).toMatchObject({ kind: 'result' });
    held?.();
    expect(await first).toMatchObject({ kind: 'result' });
    await vi.waitFor(() => expect(streams[0]?.destroyed).toBe(true), { timeout: 5_000 });
  });
});

describe('connecting', () => {
  /** Takes connections and never says a word. */
  async function mute(): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }

  it('is given up after connection.connect_timeout, TLS included, and the error names the key', async () => {
    const url = `https://127.0.0.1:${await mute()}/mcp`;
    const transport = new StreamableHttpTransport(new EgressGuard());
    const target = testTarget({ name: 'far', url, connectTimeout: 50 });
    closers.push(() => transport.release(target));
    const talk = await Conversation.open(transport, target);
    await expect(talk.ask('ping').response).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining('did not accept a connection within 50 ms (connection.connect_timeout)'),
      notExecuted: true,
    });
  });

  it.each([
    ['connect_timeout', 'https', { connect_timeout: 50 }],
    ['start_timeout', 'http', { start_timeout: 50 }],
  ])('beyond connection.%s is counted', async (key, scheme, settings) => {
    const test = bench();
    const limited: string[] = [];
    test.registry.events.on('limited', (event) => limited.push(event.key));
    const url = `${scheme}://127.0.0.1:${await mute()}/mcp`;
    const server = serverOf('far', 'streamable-http', { url, ...settings }, { protocol: 'legacy' });
    test.apply(proxyOf([server]));
    await vi.waitFor(() => expect(limited).toContain(`proxy.servers[].connection.${key}`), { timeout: 5_000 });
    expect(test.upstream('far').status.reason).toContain(`connection.${key}`);
  });
});
