import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EgressGuard } from '#libs/egress';
import { GatewayError } from '#libs/kernel';
import type { UpstreamTarget } from '#libs/plugin';
import { Conversation, type TargetSettings, testTarget } from '../../testing/index.js';
import { type Got, openStream, result, ScriptedServer, sendJson } from '../../testing/scripted-server.js';
import { StreamableHttpTransport } from './streamable-http.transport.js';

type Answer = (got: Got, response: ServerResponse) => void;

let transport: StreamableHttpTransport;
let server: ScriptedServer;
let answer: Answer;
let talk: Conversation;
let target: UpstreamTarget;

beforeEach(async () => {
  transport = new StreamableHttpTransport(new EgressGuard());
  server = await ScriptedServer.start((got, response) => answer(got, response));
  await open();
});

afterEach(async () => {
  answer = (_got, response) => response.end();
  await talk.connection.close();
  await transport.release(target);
  await server.close();
});

async function open(settings: TargetSettings = {}, headers: Record<string, string> = {}): Promise<void> {
  target = testTarget({ name: 'n8n', url: `${server.origin}/mcp?key=hidden`, ...settings });
  talk = await Conversation.open(transport, target, headers);
}

async function failure(method = 'tools/call'): Promise<GatewayError> {
  const thrown = await talk.ask(method).response.catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(GatewayError);
  expect((thrown as GatewayError).message).toContain('"n8n"');
  expect((thrown as GatewayError).message).not.toContain('hidden');
  return thrown as GatewayError;
}

async function inSession(): Promise<void> {
  answer = ({ id }, response) => sendJson(response, result(id), 200, { 'mcp-session-id': 'abc-123' });
  await talk.ask('initialize').response;
  expect(talk.connection.sessionId).toBe('abc-123');
}

const rpcError = (id: unknown, code: number, message: string) =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });

describe('requests', () => {
  it('carry what the transport, the credential and the caller want them to', async () => {
    await open({}, { Authorization: 'Bearer t', 'x-key': 'ours', Host: 'elsewhere', 'mcp-session-id': 'forged' });
    answer = ({ id }, response) => sendJson(response, result(id));
    const body = Buffer.from('{"jsonrpc":"2.0","id":9,"method":"ping"}');
    await new Promise<void>((resolve, reject) => {
      const headers = { 'x-request-id': 'r1', 'X-Key': 'theirs', 'Content-Type': 'text/plain', te: 'trailers' };
      talk.connection.send({ id: 9, method: 'ping', body, headers }, { onMessage: () => resolve(), onError: reject });
    });
    const { headers, path } = server.got[0] as Got;
    expect(path).toBe('/mcp?key=hidden');
    expect(headers).toMatchObject({
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'content-length': String(body.length),
      authorization: 'Bearer t',
      'x-key': 'ours',
      'x-request-id': 'r1',
      host: server.origin.slice('http://'.length),
    });
    expect(headers['mcp-session-id']).toBeUndefined();
    expect(headers['mcp-protocol-version']).toBeUndefined();
    expect(headers['te']).toBeUndefined();
  });

  it('name the session and the version once they are known', async () => {
    await inSession();
    talk.connection.setProtocolVersion('2025-11-25');
    await talk.ask('tools/list').response;
    answer = (_got, response) => response.writeHead(202).end();
    await talk.post({ method: 'notifications/initialized' });
    for (const { headers } of server.got.slice(1)) {
      expect(headers).toMatchObject({ 'mcp-session-id': 'abc-123', 'mcp-protocol-version': '2025-11-25' });
    }
  });

  it('name no version to servers older than the header', async () => {
    talk.connection.setProtocolVersion('2025-03-26');
    answer = ({ id }, response) => sendJson(response, result(id));
    await talk.ask('tools/list').response;
    expect(server.got[0]?.headers['mcp-protocol-version']).toBeUndefined();
  });

  it('take a session id from the answer to initialize only, and only a sane one', async () => {
    answer = ({ id }, response) => sendJson(response, result(id), 200, { 'mcp-session-id': 'late' });
    await talk.ask('tools/list').response;
    expect(talk.connection.sessionId).toBeUndefined();
    answer = ({ id }, response) => sendJson(response, result(id), 200, { 'mcp-session-id': 'with blank' });
    expect(await failure('initialize')).toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
    expect(talk.connection.sessionId).toBeUndefined();
  });

  it('ask for their credential anew each time, and fail as it does', async () => {
    let round = 0;
    const connection = await transport.connect(target, {
      listener: { onMessage() {}, onClose() {} },
      signal: new AbortController().signal,
      headers: async () => {
        round += 1;
        if (round === 2) throw new GatewayError('UPSTREAM_UNAUTHORIZED', 'no token today');
        if (round === 3) throw new Error('bug');
        return { authorization: `Bearer ${round}` };
      },
    });
    answer = ({ id }, response) => sendJson(response, result(id));
    const send = () =>
      new Promise<GatewayError | undefined>((resolve) => {
        const body = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"x"}');
        connection.send({ id: 1, method: 'x', body }, { onMessage: () => resolve(undefined), onError: resolve });
      });
    expect(await send()).toBeUndefined();
    expect(server.got[0]?.headers.authorization).toBe('Bearer 1');
    expect(await send()).toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED', message: 'no token today', notExecuted: true });
    expect(await send()).toMatchObject({ code: 'INTERNAL', notExecuted: true });
    expect(server.got).toHaveLength(1);
    await connection.close();
  });

  it('reuse their sockets', async () => {
    answer = ({ id }, response) => sendJson(response, result(id));
    for (let n = 0; n < 20; n++) await talk.ask('echo').response;
    answer = ({ id }, response) => openStream(response).end(`data: ${result(id)}\n\n`);
    for (let n = 0; n < 20; n++) await talk.ask('echo').response;
    // A request that follows on the heels of a response may find the socket not yet free.
    expect(server.accepted).toBeLessThanOrEqual(2);
  });

  it('take new sockets once those that were kept may be dead, and leave what is under way alone', async () => {
    answer = ({ id }, response) => sendJson(response, result(id));
    await talk.ask('echo').response;
    await talk.ask('ping').response;
    let finish: () => void = () => {};
    answer = ({ id }, response) => {
      finish = () => sendJson(response, result(id));
    };
    const running = talk.ask('slow').response;
    await vi.waitFor(() => expect(server.got).toHaveLength(3));
    const before = [...server.sockets];
    const { accepted } = server;
    transport.renew(target);
    answer = ({ id }, response) => sendJson(response, result(id));
    await talk.ask('ping').response;
    expect(server.accepted).toBe(accepted + 1);
    // The one that was idle is let go.
    await vi.waitFor(() => expect(before.filter((socket) => server.sockets.has(socket))).toHaveLength(1));
    finish();
    await running;
    await transport.release(target);
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });

  it('never keep answers to questions from getting through, however many wait', async () => {
    await open({ pool: 2 });
    const waiting = new Map<number, ServerResponse>();
    answer = ({ id, body }, response) => {
      if (id === undefined) return response.writeHead(202).end();
      if (!JSON.parse(body).method) {
        response.writeHead(202).end();
        waiting.get(id - 100)?.end(`data: ${result(id - 100)}\n\n`);
        return response;
      }
      waiting.set(id, openStream(response));
      return response.write(`data: {"jsonrpc":"2.0","id":${id + 100},"method":"elicitation/create"}\n\n`);
    };
    const asked = [talk.ask('a'), talk.ask('b')];
    for (const { own } of asked) await talk.until(() => own.length > 0);
    for (const { own } of asked) await talk.post({ id: own[0]?.id, result: {} });
    await Promise.all(asked.map(({ response }) => response));
  });

  it.each(['ping', 'initialize', 'tools/list'])(
    'of the gateway itself (%s) never wait behind calls',
    async (method) => {
      await open({ pool: 1 });
      answer = ({ id, body }, response) => {
        if (!body.includes('tools/call')) sendJson(response, result(id));
      };
      const running = talk.ask('tools/call');
      await vi.waitFor(() => expect(server.got).toHaveLength(1));
      await talk.ask(method).response;
      running.abandon();
    },
  );

  it('that are abandoned give their socket back, also while they wait for one', async () => {
    await open({ pool: 1 });
    const closed: number[] = [];
    answer = ({ id }, response) => {
      response.on('close', () => closed.push(id as number));
      if (id === 3) sendJson(response, result(id));
    };
    const running = talk.ask('stuck');
    const queued = talk.ask('never sent');
    const third = talk.ask('third');
    await vi.waitFor(() => expect(server.got).toHaveLength(1));
    queued.abandon();
    running.abandon();
    await third.response;
    expect(server.got.map(({ id }) => id)).toEqual([1, 3]);
    await vi.waitFor(() => expect(closed).toContain(1));
  });
});

describe('notifications', () => {
  it('that the server never takes do not wait for ever', async () => {
    await open({ startTimeout: 50 });
    answer = () => {};
    await expect(talk.post({ method: 'notifications/x' })).rejects.toMatchObject({ code: 'UPSTREAM_DISCONNECTED' });
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });
});

describe('answers', () => {
  it('may be a batch, whose elements are delivered one by one', async () => {
    answer = ({ id }, response) =>
      sendJson(
        response,
        ` [ {"jsonrpc":"2.0","method":"notifications/message","params":{"a":"]"}} , ${result(id, { n: 1 })} ]`,
      );
    const asked = talk.ask('x');
    await asked.response;
    expect(asked.own.map(({ method }) => method)).toEqual(['notifications/message', undefined]);
  });

  it('may come in any slices', async () => {
    const sent = `\uFEFF: hello\r\n\r\nevent: message\r\nid: 1\rdata: {"jsonrpc":"2.0",\ndata: "method":"notifications/x"}\r\n\nretry: 5\nevent: other\ndata: {}\n\n`;
    answer = async ({ id }, response) => {
      openStream(response);
      for (const byte of Buffer.from(`${sent}data:${result(id, { text: 'grüße' })}\n\n`)) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    };
    const asked = talk.ask('x');
    expect((await asked.response).result).toEqual({ text: 'grüße' });
    expect(asked.own).toHaveLength(2);
  });

  it('are over with the response, even if the server keeps the stream', async () => {
    answer = ({ id }, response) => openStream(response).write(`data: ${result(id)}\n\n`);
    await talk.ask('x').response;
    await vi.waitFor(() => expect(server.sockets.size).toBe(0), { timeout: 5_000 });
  });

  it('that follow the response on its stream go to the listener', async () => {
    answer = ({ id }, response) =>
      openStream(response).end(`data: ${result(id)}\n\ndata: {"jsonrpc":"2.0","method":"notifications/late"}\n\n`);
    const asked = talk.ask('x');
    await asked.response;
    await talk.until(() => talk.shared.length > 0);
    expect(asked.own).toHaveLength(1);
  });

  it.each<[string, number, Record<string, string>, (id: number) => string | Buffer, RegExp]>([
    [
      'a web page',
      200,
      { 'content-type': 'text/html; charset=utf-8' },
      () => '<html>',
      /answered with a web page, text\/html; JSON/,
    ],
    ['no type', 200, {}, () => 'x', /without a Content-Type/],
    ['nothing', 202, {}, () => '', /took the request \(HTTP 202\) but will not answer/],
    ['nothing', 204, {}, () => '', /took the request \(HTTP 204\)/],
    [
      'an empty body',
      200,
      { 'content-type': 'application/json' },
      () => '',
      /did not answer the request but sent nothing/,
    ],
    [
      'no JSON',
      200,
      { 'content-type': 'application/json' },
      () => 'Bad\x1b[31m gate\x07way',
      /did not answer the request but sent something else; see its log/,
    ],
    [
      'another response',
      200,
      { 'content-type': 'application/json' },
      (id) => result(id + 1),
      /did not answer the request/,
    ],
    [
      'an error for nobody',
      200,
      { 'content-type': 'application/json' },
      () => rpcError(null, -32700, 'Parse error'),
      /names no request; see its log/,
    ],
    [
      'compression',
      200,
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      (id) => gzipSync(result(id)),
      /compressed its answer \(gzip\)/,
    ],
  ])('that are %s (HTTP %i) are refused', async (_what, status, headers, body, message) => {
    answer = ({ id }, response) => response.writeHead(status, headers).end(body(id as number));
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_PROTOCOL', notExecuted: false });
    expect(error.message).toMatch(message);
  });

  it('over the limit are cut off, whatever they announce', async () => {
    await open({ limits: { response: 10_000, event: 10_000 } });
    const long = 'x'.repeat(20_000);
    answer = ({ id }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 9_000_000 });
      response.write(`{"id":${id},`);
    };
    expect(await failure()).toMatchObject({
      code: 'UPSTREAM_TOO_LARGE',
      data: { key: expect.stringContaining('limits.') },
    });
    answer = ({ id }, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(result(id, long));
    };
    expect(await failure()).toMatchObject({
      code: 'UPSTREAM_TOO_LARGE',
      data: { key: expect.stringContaining('limits.') },
    });
    answer = ({ id }, response) => openStream(response).write(`data: ${result(id, long)}`);
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_TOO_LARGE' });
    expect(error.message).toContain('connection.limits.event');
  });
});

describe('statuses', () => {
  it.each<[number, Record<string, string>, string, string, boolean, RegExp]>([
    [
      301,
      { location: 'https://new.example.com/mcp?token=hidden' },
      '',
      'UPSTREAM_HTTP',
      true,
      /redirects to https:\/\/new\.example\.com\/mcp, which is not followed/,
    ],
    [307, { location: '/other?key=hidden' }, '', 'UPSTREAM_HTTP', true, /redirects to \/other, which/],
    [400, {}, 'nonsense', 'UPSTREAM_HTTP', false, /refused the request/],
    [
      400,
      { 'content-type': 'application/json' },
      rpcError(null, -32000, 'Bad Request: No valid session ID'),
      'UPSTREAM_HTTP',
      false,
      /HTTP 400: it refused the request/,
    ],
    [401, { 'www-authenticate': 'Bearer' }, '', 'UPSTREAM_UNAUTHORIZED', true, /check the upstream's auth/],
    [403, {}, '', 'UPSTREAM_FORBIDDEN', false, /is not allowed/],
    [404, {}, 'Not found', 'UPSTREAM_HTTP', true, /no MCP endpoint at this path/],
    [405, {}, '', 'UPSTREAM_HTTP', true, /takes no POST here; is it an older server that needs type: sse/],
    [406, {}, '', 'UPSTREAM_HTTP', true, /does not take MCP over streamable HTTP/],
    [413, {}, '', 'UPSTREAM_HTTP', true, /is too large for it/],
    [421, {}, '', 'UPSTREAM_HTTP', true, /does not serve the host name/],
    [429, { 'retry-after': '7' }, '', 'UPSTREAM_BUSY', true, /limits the rate of requests \(Retry-After: 7\)/],
    [500, { 'content-type': 'text/plain' }, 'boom\nat line 1', 'UPSTREAM_HTTP', false, /HTTP 500: the server failed/],
    [503, {}, 'x'.repeat(200_000), 'UPSTREAM_HTTP', false, /is not available/],
  ])('%i is explained', async (status, headers, body, code, notExecuted, message) => {
    answer = (_got, response) => response.writeHead(status, headers).end(body);
    const error = await failure();
    expect(error).toMatchObject({ code, notExecuted, data: { status } });
    expect(error.message).toMatch(message);
    expect(server.got).toHaveLength(1);
    answer = (_got, response) => response.writeHead(status, headers).end(body);
    await expect(talk.post({ method: 'notifications/x' })).rejects.toMatchObject({ code, data: { status } });
  });

  it.each([400, 404, 422, 500])('%i with an error for this very request is its response', async (status) => {
    answer = ({ id }, response) => sendJson(response, rpcError(id, -32602, 'Unknown tool'), status);
    expect((await talk.ask('x').response).error).toEqual({ code: -32602, message: 'Unknown tool' });
  });

  it.each<[number, string]>([
    [404, ''],
    [404, rpcError(null, -32001, 'Session not found')],
    [400, rpcError(null, -32000, 'Bad Request: Server not initialized')],
    [400, rpcError('server-error', -32600, 'Invalid session ID')],
  ])('%i %s in a session means that it is lost and nothing ran', async (status, body) => {
    await inSession();
    answer = (_got, response) => response.writeHead(status).end(body);
    expect(await failure()).toMatchObject({ code: 'UPSTREAM_SESSION_LOST', notExecuted: true });
    await expect(talk.post({ method: 'notifications/x' })).rejects.toMatchObject({ code: 'UPSTREAM_SESSION_LOST' });
  });

  it.each(['Invalid session ID', 'session not found\n', 'Bad Request: missing session'])(
    '400 with the words "%s" means that the session is gone',
    async (text) => {
      await inSession();
      answer = (_got, response) => response.writeHead(400, { 'content-type': 'text/plain' }).end(text);
      expect(await failure()).toMatchObject({ code: 'UPSTREAM_SESSION_LOST', notExecuted: true });
    },
  );

  it('404 with an unknown method is an answer, also in a session', async () => {
    await inSession();
    answer = ({ id }, response) => sendJson(response, rpcError(id, -32601, 'Method not found'), 404);
    expect((await talk.ask('x').response).error?.code).toBe(-32601);
  });
});

describe('broken connections', () => {
  it('before the answer may have been executed', async () => {
    answer = (_got, response) => response.destroy();
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_DISCONNECTED', notExecuted: false });
    expect(error.message).toMatch(/closed the connection before it answered; the request may have run/);
  });

  it('within a JSON answer are no answer', async () => {
    answer = (_got, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('{"jsonrpc"', () => response.destroy());
    };
    expect(await failure()).toMatchObject({ code: 'UPSTREAM_DISCONNECTED', notExecuted: false });
  });

  it('within an event stream without ids are not resumed', async () => {
    answer = (_got, response) => openStream(response).end('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n');
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_DISCONNECTED', notExecuted: false });
    expect(error.message).toMatch(/ended its answer before the response/);
  });

  it('to names that do not exist are explained', async () => {
    await open({ url: 'http://does-not-exist.invalid/mcp' });
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
    expect(error.message).toMatch(/the name does-not-exist\.invalid does not resolve/);
  });

  it('to something that is no HTTP server are explained', async () => {
    const strange = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n'));
    });
    await new Promise<void>((resolve) => strange.listen(0, '127.0.0.1', resolve));
    await open({ url: `http://127.0.0.1:${(strange.address() as AddressInfo).port}/` });
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_PROTOCOL', notExecuted: false });
    expect(error.message).toMatch(/did not answer with valid HTTP/);
    await new Promise((resolve) => strange.close(resolve));
  });

  it('to a plain port by TLS are explained', async () => {
    await open({ url: server.origin.replace('http:', 'https:') });
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
    expect(error.message).toMatch(/does not speak TLS on that port; use http:/);
  });
});

describe('resuming an answer', () => {
  it('continues behind the last event, after the time the server named', async () => {
    answer = ({ method, id }, response) => {
      openStream(response);
      if (method === 'POST')
        response.end(`id: e1\nretry: 20\ndata:\n\nid: e2\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n`);
      else response.end(`id: e3\ndata: ${result(server.got[0]?.id, { resumed: true })}\n\n`);
      expect(id === undefined).toBe(method === 'GET');
    };
    const asked = talk.ask('slow');
    expect((await asked.response).result).toEqual({ resumed: true });
    expect(asked.own).toHaveLength(2);
    expect(server.got[1]?.headers).toMatchObject({ 'last-event-id': 'e2', accept: 'text/event-stream' });
  });

  it('polls for as long as something new comes, and gives up when nothing does', async () => {
    let round = 0;
    answer = (_got, response) => {
      round += 1;
      openStream(response).end(round < 15 ? `id: e${round}\nretry: 1\ndata:\n\n` : '');
    };
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_DISCONNECTED', notExecuted: false });
    expect(error.message).toMatch(/could not be resumed: several attempts brought nothing new/);
    expect(server.got.at(-1)?.headers['last-event-id']).toBe('e14');
    expect(server.got.length).toBeLessThan(30);
  });

  it('fails when the server no longer has the stream', async () => {
    answer = ({ method }, response) => {
      if (method === 'POST') openStream(response).end('id: e1\nretry: 1\ndata:\n\n');
      else response.writeHead(405).end();
    };
    const error = await failure();
    expect(error).toMatchObject({ code: 'UPSTREAM_DISCONNECTED', notExecuted: false });
    expect(error.message).toMatch(/it answered HTTP 405/);
  });

  it('ends when nobody waits any more', async () => {
    answer = (_got, response) => openStream(response).end('id: e1\nretry: 100\ndata:\n\n');
    const asked = talk.ask('slow');
    await vi.waitFor(() => expect(server.got).toHaveLength(1));
    asked.abandon();
    answer = ({ id }, response) => sendJson(response, result(id));
    await talk.ask('other').response;
    await talk.connection.close();
    expect(server.got.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });
});

describe('the standing stream', () => {
  it.each([404, 405, 400, 501])('is left alone where a server answers %i', async (status) => {
    answer = ({ method, id }, response) => {
      if (method === 'GET') response.writeHead(status === 501 ? 405 : status).end();
      else sendJson(response, result(id));
    };
    talk.connection.listen();
    await vi.waitFor(() => expect(server.got).toHaveLength(1));
    await talk.ask('echo').response;
    expect(talk.closed).toEqual([]);
    expect(server.got.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  it('is opened again behind the last event, after the time the server named', async () => {
    let round = 0;
    answer = (_got, response) => {
      round += 1;
      openStream(response);
      if (round < 3)
        response.end(`retry: 10\nid: s${round}\ndata: {"jsonrpc":"2.0","method":"notifications/n${round}"}\n\n`);
      else response.write(': keep-alive\n\n');
    };
    talk.connection.listen();
    await vi.waitFor(() => expect(server.got).toHaveLength(3), { timeout: 5_000 });
    expect(server.got.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 's1', 's2']);
    expect(talk.shared.map(({ method }) => method)).toEqual(['notifications/n1', 'notifications/n2']);
  });

  it('outlives a server that is busy', async () => {
    let round = 0;
    answer = (_got, response) => {
      round += 1;
      if (round === 1) response.writeHead(503).end();
      else openStream(response).write('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n');
    };
    talk.connection.listen();
    await talk.until(() => talk.shared.length === 1);
  });

  it('that is cut while nothing happens is opened again, however often', async () => {
    await inSession();
    let round = 0;
    answer = (_got, response) => {
      round += 1;
      openStream(response).write('retry: 1\n\n');
      if (round < 10) setImmediate(() => response.destroy());
      else response.write('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n');
    };
    talk.connection.listen();
    await talk.until(() => talk.shared.some(({ method }) => method === 'notifications/x') || talk.closed.length > 0);
    expect(talk.closed).toEqual([]);
  });

  it('reports a session that the server forgot', async () => {
    await inSession();
    let round = 0;
    answer = (_got, response) => {
      round += 1;
      if (round === 1) openStream(response).end('retry: 5\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n');
      else response.writeHead(404).end();
    };
    talk.connection.listen();
    await talk.until(() => talk.closed.length > 0);
    expect(talk.closed[0]).toMatchObject({ code: 'UPSTREAM_SESSION_LOST' });
  });

  it('survives an event over the limit', async () => {
    await open({ limits: { response: 1_000, event: 1_000 } });
    let round = 0;
    answer = (_got, response) => {
      round += 1;
      if (round === 1) openStream(response).write(`id: big\nretry: 5\n\ndata: ${'x'.repeat(5_000)}\n\n`);
      else openStream(response).write('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n');
    };
    talk.connection.listen();
    await talk.until(() => talk.shared.length === 1);
    expect(server.got[1]?.headers['last-event-id']).toBeUndefined();
  });
});

describe('the end of a connection', () => {
  it('deletes the session', async () => {
    await inSession();
    answer = (_got, response) => response.writeHead(405).end();
    await talk.connection.close();
    expect(server.got.at(-1)).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': 'abc-123' } });
  });

  it('comes after what was told the server before, which is not cut off', async () => {
    await inSession();
    let take: () => void = () => {};
    answer = ({ method }, response) => {
      if (method === 'DELETE') response.end();
      else take = () => response.writeHead(202).end();
    };
    const told = talk.post({ method: 'notifications/cancelled' });
    const closed = talk.connection.close();
    await vi.waitFor(() => expect(server.got).toHaveLength(2));
    take();
    await told;
    await closed;
    expect(server.got.slice(1).map(({ method }) => method)).toEqual(['POST', 'DELETE']);
  });

  it('does not wait for a server that does not answer', async () => {
    await inSession();
    answer = () => {};
    const told = expect(talk.post({ method: 'notifications/cancelled' })).rejects.toBeInstanceOf(GatewayError);
    await talk.connection.close();
    await told;
    expect(server.got.at(-1)?.method).toBe('DELETE');
  });
});

describe('settings of an HTTP upstream', () => {
  it.each([
    [undefined, /^url: is required/],
    ['mcp.example.com', /^url: must be an absolute URL/],
    ['ftp://example.com/', /^url: must start with http/],
    ['https://user:pass@example.com/', /^url: must not carry a user name/],
    ['https://example.com/#x', /^url: must not have a fragment/],
  ])('refuse the URL %s', async (url, message) => {
    const bad = testTarget(url === undefined ? {} : { url });
    expect(transport.validate(bad)[0]).toMatch(message);
    await expect(Conversation.open(transport, bad)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
  });
});
