import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EgressGuard } from '#libs/egress';
import type { UpstreamTarget } from '#libs/plugin';
import { Conversation, type TargetSettings, testTarget } from '../../testing/index.js';
import { type Got, openStream, result, ScriptedServer } from '../../testing/scripted-server.js';
import { SseTransport } from './sse.transport.js';

let server: ScriptedServer;
let transport: SseTransport;
let target: UpstreamTarget;
let talk: Conversation | undefined;

async function open(
  answer: (got: Got, response: ServerResponse) => void,
  settings: TargetSettings = {},
): Promise<Conversation> {
  server = await ScriptedServer.start(answer);
  transport = new SseTransport(new EgressGuard());
  target = testTarget({ name: 'old', url: `${server.origin}/sse`, ...settings });
  talk = await Conversation.open(transport, target, { 'x-key': 'k' });
  return talk;
}

afterEach(async () => {
  await talk?.connection.close();
  talk = undefined;
  await transport.release(target);
  await server.close();
});

const refusal = (answer: (got: Got, response: ServerResponse) => void, settings?: TargetSettings) =>
  expect(open(answer, settings)).rejects;

describe('the HTTP+SSE transport', () => {
  it.each(['/messages?session=1', 'messages?session=1'])(
    'posts to the endpoint %s the stream names',
    async (endpoint) => {
      let stream: ServerResponse;
      const conversation = await open(({ method, id }, response) => {
        if (method === 'GET') {
          stream = openStream(response);
          stream.write(`event: endpoint\ndata: ${endpoint}\n\n`);
        } else {
          // The answer overtakes the receipt.
          stream.write(`event: message\ndata: ${result(id)}\n\n`, () => response.writeHead(202).end('Accepted'));
        }
      });
      expect((await conversation.ask('ping').response).result).toEqual({});
      expect(server.got[1]).toMatchObject({ path: '/messages?session=1', headers: { 'x-key': 'k' } });
    },
  );

  it('refuses an endpoint on another origin', async () => {
    await refusal((_got, response) =>
      openStream(response).write('event: endpoint\ndata: http://127.0.0.1:9/messages\n\n'),
    ).toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
      message: expect.stringContaining('another origin (http://127.0.0.1:9)'),
    });
    expect(server.got).toHaveLength(1);
  });

  it('gives up on a server that names no endpoint', async () => {
    await refusal((_got, response) => openStream(response).write(': hello\n\n'), { startTimeout: 50 }).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining('sent no endpoint event within 50 ms'),
    });
  });

  it.each([
    [404, {}, 'UPSTREAM_HTTP', 'no MCP endpoint at this path'],
    [401, {}, 'UPSTREAM_UNAUTHORIZED', "check the upstream's auth"],
    [405, {}, 'UPSTREAM_HTTP', 'takes no GET here'],
    [302, { location: '/login' }, 'UPSTREAM_HTTP', 'redirects to /login'],
    [200, { 'content-type': 'text/html' }, 'UPSTREAM_PROTOCOL', 'a web page'],
  ])('explains HTTP %i', async (status, headers, code, text) => {
    await refusal((_got, response) =>
      response.writeHead(status, headers as Record<string, string>).end('x'),
    ).toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });

  it('fails a request whose posting is refused, and keeps the stream', async () => {
    const conversation = await open(({ method }, response) => {
      if (method === 'GET') openStream(response).write('event: endpoint\ndata: /m\n\n');
      else response.writeHead(500).end();
    });
    await expect(conversation.ask('x').response).rejects.toMatchObject({ code: 'UPSTREAM_HTTP', notExecuted: false });
    await expect(conversation.post({ method: 'n' })).rejects.toMatchObject({ code: 'UPSTREAM_HTTP' });
    expect(conversation.closed).toEqual([]);
  });

  it('tells when the server no longer knows the address it named', async () => {
    const conversation = await open(({ method }, response) => {
      if (method === 'GET') openStream(response).write('event: endpoint\ndata: /m?session=1\n\n');
      else response.writeHead(404).end('Could not find session');
    });
    await expect(conversation.ask('x').response).rejects.toMatchObject({
      code: 'UPSTREAM_SESSION_LOST',
      notExecuted: true,
    });
  });

  it('keeps questions and requests on different sockets: some servers take a request only when it is done', async () => {
    const held: ServerResponse[] = [];
    const conversation = await open(({ method, id }, response) => {
      if (method === 'GET') openStream(response).write('event: endpoint\ndata: /m\n\n');
      else if (id === undefined) response.writeHead(202).end();
      else held.push(response);
    });
    const asked = Array.from({ length: 8 }, () => conversation.ask('tools/call'));
    await vi.waitFor(() => expect(held).toHaveLength(8));
    await conversation.post({ method: 'notifications/x' });
    for (const { abandon } of asked) abandon();
    await vi.waitFor(() => expect(held.every(({ destroyed }) => destroyed)).toBe(true));
  });

  it('ends with its stream', async () => {
    let stream: ServerResponse;
    const conversation = await open(({ method }, response) => {
      if (method === 'GET') {
        stream = openStream(response);
        stream.write('event: endpoint\ndata: /m\n\n');
      } else response.writeHead(202).end(() => stream.end());
    });
    await expect(conversation.ask('x').response).rejects.toMatchObject({
      code: 'UPSTREAM_DISCONNECTED',
      notExecuted: false,
    });
    expect(conversation.closed).toHaveLength(1);
  });
});
