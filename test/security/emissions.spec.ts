import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Guarded } from '../support/guarded.js';
import { callTool, modernHeaders } from '../support/modern.js';
import { http, RawSession } from '../support/raw.js';
import { Cleanup, until } from '../support/wait.js';
import { statuses, wire } from '../support/wire.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let guarded: Guarded;

const FORGED = '\n{"level":30,"msg":"forged"}\r\n\u001b[31mred\u0007\u2028';

beforeAll(async () => {
  guarded = await Guarded.start(servers, { sections: { log: { level: 'debug', format: 'json' } } });
});
afterAll(() => servers.close());
afterEach(() => cleanup.close());

/** Everything a gateway says, from its first line on. */
function said(gateway: Guarded): () => string {
  let text = '';
  for (const stream of [gateway.gateway.child.stdout, gateway.gateway.child.stderr]) {
    stream?.on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}

/** Has the gateway meet the text wherever a stranger, or an upstream, can put it. */
async function inject({ mcp, url, upstream }: Guarded): Promise<void> {
  const session = await RawSession.open(mcp, { name: FORGED });
  await session.request('tools/call', { name: `rec:${FORGED}`, arguments: {} });
  await session.request(FORGED, {});
  await session.request('resources/read', { uri: `rec+memo://${FORGED}` });
  await session.request('prompts/get', { name: FORGED });
  await callTool(
    mcp,
    `rec:${FORGED}`,
    {},
    {
      headers: {
        ...modernHeaders('tools/call', {}),
        'mcp-name': `=?base64?${Buffer.from(`rec:${FORGED}`).toString('base64')}?=`,
      },
    },
  );
  await http(`${url}/${encodeURIComponent(FORGED)}`, { method: 'GET', headers: { 'user-agent': '[31mforged' } });
  await http(mcp, {
    headers: { 'x-request-id': '{"forged":1}', 'user-agent': '"}\\u000a{"msg":"forged"}' },
    body: FORGED,
  });
  await session.request('tools/call', { name: 'rec:read', arguments: {} });
  expect(upstream.journal.deeds).toContain('tools/call read');
}

describe('T150: what strangers and upstreams say', () => {
  const lying = {
    intercept: (arrival: { rpc: { method?: string } }, response: import('node:http').ServerResponse) => {
      if (arrival.rpc.method !== 'tools/call') return false;
      response.writeHead(500, { 'content-type': 'text/plain' }).end(FORGED);
      return true;
    },
  };

  it('never begins a log line of its own, in JSON', async () => {
    const own = await Guarded.start(cleanup, {
      sections: { log: { level: 'debug', format: 'json' } },
      upstream: lying,
    });
    const log = said(own);
    await inject(own);
    await until('it was logged', () => log().includes('forged'));
    await until('the failure was logged', () => log().includes('UPSTREAM_HTTP'));
    for (const line of log().split('\n').filter(Boolean)) {
      const parsed = JSON.parse(line) as { msg: string; time: unknown };
      expect(parsed.time).toBeDefined();
      expect(parsed.msg).not.toBe('forged');
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });

  it('never begins a line, nor moves a cursor, in text', async () => {
    const own = await Guarded.start(cleanup, {
      sections: { log: { level: 'debug', format: 'text' } },
      upstream: lying,
    });
    const log = said(own);
    await inject(own);
    await until('the failure was logged', () => log().includes('UPSTREAM_HTTP'));
    expect(log()).toContain('forged');
    expect(log()).not.toMatch(/[^\P{Cc}\n]|\u2028/u);
    for (const line of log().split('\n').filter(Boolean)) expect(line).toMatch(/^(\[\d\d:\d\d:\d\d\] | {4})/);
  });
});

describe('T153: what is open to everybody', () => {
  it('is as much as probes need', async () => {
    const get = (path: string, headers = {}) => http(guarded.url + path, { method: 'GET', headers });
    for (const path of ['/docs', '/config', '/health', '/admin', '/swagger', '/openapi.json', '/metrics/', '/debug']) {
      const answer = await get(path);
      expect(answer.status, path).toBe(404);
      expect(answer.text).not.toContain('127.0.0.1');
    }
    expect((await get('/live')).text).toBe('{"status":"ok"}');
    expect((await get('/ready')).text).toBe('{"status":"ok"}');
    expect((await get('/metrics')).status).toBe(200);
  });

  it('has no metrics in it where they have a token', async () => {
    const token = 'metrics-0123456789-abcdefghij-klmnop';
    const own = await Guarded.start(cleanup, { sections: { metrics: { token } } });
    const get = (headers = {}) => http(`${own.url}/metrics`, { method: 'GET', headers });
    for (const headers of [{}, { authorization: 'Bearer x' }, { authorization: token }]) {
      const answer = await get(headers);
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain('mcp_gateway');
    }
    expect((await get({ authorization: `Bearer ${token}` })).text).toContain('mcp_gateway');
  });
});

describe('T154: trace context', () => {
  const SANE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  it.each([
    ['not hexadecimal', '00-zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-00f067aa0ba902b7-01'],
    ['with more behind it', `${SANE}; forged=1`],
    ['long', `${SANE}-${'a'.repeat(4_000)}`],
    ['all zero', '00-00000000000000000000000000000000-0000000000000000-00'],
    ['two in one', `${SANE}, ${SANE}`],
  ])('that is %s goes nowhere', async (_what, traceparent) => {
    guarded.upstream.journal.forget();
    const log = said(guarded);
    const baggage = `secret-${'b'.repeat(4_000)}`;
    const answer = await guarded.call({ traceparent, baggage, tracestate: 'x=forged-state' });
    expect(answer.result).toBeDefined();
    const [arrival] = guarded.upstream.journal.work;
    const sent = JSON.stringify(arrival?.rawHeaders);
    expect(sent).not.toContain(traceparent);
    expect(sent).not.toContain('secret-');
    expect(sent).not.toContain('forged-state');
    await guarded.call({ 'x-request-id': 'the-last-request' });
    await until('it is logged', () => log().includes('the-last-request'));
    for (const text of [traceparent, 'secret-', 'forged-state']) expect(log()).not.toContain(text);
  });

  it('that is sane goes on, and one of 100 KB is refused with its head', async () => {
    guarded.upstream.journal.forget();
    await guarded.call({ traceparent: SANE });
    const sent = String(guarded.upstream.journal.work[0]?.headers['traceparent'] ?? '');
    expect(sent.slice(0, 35)).toBe(SANE.slice(0, 35));
    const received = await wire(
      guarded.url,
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nTraceparent: ${'a'.repeat(100_000)}\r\n\r\n`,
    );
    // It may close before all of it was sent, and then nobody reads why.
    expect([431, undefined]).toContain(statuses(received)[0]);
  });
});
