import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordingTerminal } from '../testing/terminal.js';
import { runStatus, type StatusOptions } from './status.js';

const MINUTE = 60_000;
const NOW = Date.parse('2026-11-26T17:30:00.000Z');
const iso = (milliseconds: number) => new Date(milliseconds).toISOString();

const FILES = {
  name: 'files',
  type: 'stdio',
  state: 'ready',
  since: iso(NOW - 5 * MINUTE),
  era: 'legacy',
  version: '2025-11-25',
  tools: 14,
  in_flight: 2,
  children: [{ pid: 4711, rss: 70 * 1024 * 1024 }],
};
const BILLING = {
  name: 'billing',
  type: 'streamable-http',
  state: 'unreachable',
  since: iso(NOW - 30_000),
  next_retry: iso(NOW + 4_000),
  tools: 3,
  in_flight: 0,
  reason: 'connection refused\u001b[2J\nsecond line',
};
const REPORT = {
  status: 'error',
  reason: 'billing is unreachable: connection refused',
  time: iso(NOW),
  upstreams: [FILES, BILLING],
};

let http: Server;
let origin: string;
let answer: { status: number; body: unknown };
const seen: IncomingMessage[] = [];

beforeAll(async () => {
  http = createServer((request, response) => {
    seen.push(request);
    const { body, status } = answer;
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});

afterAll(async () => {
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

beforeEach(() => {
  seen.length = 0;
  answer = { status: 503, body: REPORT };
});

async function status(
  names: string[] = [],
  options: Partial<StatusOptions> = {},
  onText: (text: string) => void = () => {},
) {
  const { written, terminal } = recordingTerminal({ columns: 140 }, onText);
  const signal = new AbortController().signal;
  const code = await runStatus(names, { url: `${origin}/mcp`, colour: false, signal, ...options }, terminal);
  return { code, ...written };
}

describe('mcp-gateway status', () => {
  it('prints a line per server and exits with 1 while the gateway is not ready', async () => {
    const { code, out } = await status();
    expect(code).toBe(1);
    expect(out.split('\n')).toEqual([
      'The gateway is not ready: billing is unreachable: connection refused',
      '',
      'SERVER   STATE        SINCE  TOOLS  PROTOCOL           CHILDREN    RUNNING  RETRY   REASON',
      'files    ready        5 min  14     legacy 2025-11-25  1 (70 MiB)  2',
      'billing  unreachable  30 s   3                                     0        in 4 s  connection refused[2J',
      '',
    ]);
    expect(seen[0]?.url).toBe('/ready?verbose');
  });

  it('exits with 0 when the gateway is ready', async () => {
    answer = { status: 200, body: { ...REPORT, status: 'ok', reason: undefined, upstreams: [FILES] } };
    expect(await status()).toMatchObject({ code: 0, out: expect.stringMatching(/^The gateway is ready\n/) });
    answer.body = { ...REPORT, status: 'ok', upstreams: [] };
    expect((await status()).out).toContain('no servers are configured');
  });

  it('asks for single servers: their state decides', async () => {
    const { code, out } = await status(['files']);
    expect(code).toBe(0);
    expect(out).not.toMatch(/^billing/m);
    expect((await status(['billing', 'files'])).code).toBe(1);
    expect(await status(['nope'])).toMatchObject({
      code: 2,
      err: "mcp-gateway: there is no server 'nope'; the gateway has files, billing\n",
    });
  });

  it('prints JSON', async () => {
    const { code, out } = await status(['billing'], { json: true });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ ...REPORT, upstreams: [BILLING] });
  });

  it('paints states, and nothing else, where colours are wanted', async () => {
    const { out } = await status([], { colour: true });
    expect(out).toContain('files    \u001b[32mready\u001b[0m        5 min');
    expect(out).toContain('billing  \u001b[31munreachable\u001b[0m  30 s');
    expect((await status()).out).not.toContain('\u001b');
  });

  it('finds the readiness beside the endpoint, and shows the token', async () => {
    await status([], { url: `${origin}/gw/mcp/files?x=1#y`, token: 't0ken' });
    await status([], { url: origin });
    expect(seen.map(({ url }) => url)).toEqual(['/gw/ready?verbose', '/ready?verbose']);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t0ken', undefined]);
  });

  it('says what is missing where the gateway shows no detail', async () => {
    answer = { status: 503, body: { status: 'error' } };
    expect(await status()).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/is not ready, but shows details.*MCP_GATEWAY_METRICS_TOKEN/),
    });
    answer = { status: 200, body: { status: 'ok' } };
    expect((await status([], { token: 'wrong' })).err).toMatch(/is ready, but does not take this token/);
  });

  it.each([
    ['another server', { status: 404, body: 'Not found' }],
    ['a page', { status: 200, body: '<html></html>' }],
    ['a redirect', { status: 302, body: '' }],
  ])('does not take %s for a gateway', async (_what, other) => {
    answer = other;
    expect(await status()).toMatchObject({
      code: 2,
      err: expect.stringMatching(/is not a gateway's readiness \(HTTP/),
    });
  });

  it('says that nothing answers', async () => {
    const { code, err } = await status([], { url: 'http://127.0.0.1:9/mcp' });
    expect(code).toBe(2);
    expect(err).toMatch(/nothing answers at http:\/\/127\.0\.0\.1:9\/mcp; is the gateway running\?/);
    expect((await status([], { url: 'files' })).err).toMatch(/'files' is not a URL/);
    expect((await status([], { token: 'a\nb' })).err).toMatch(/no header can carry/);
  });

  it('looks again until it is stopped, also past a gateway that is away for a moment', async () => {
    const stop = new AbortController();
    const { code, out, err } = await status([], { watch: 0.01, signal: stop.signal }, (text) => {
      if (text.includes('is not ready')) answer = { status: 404, body: '' };
      else if (text.includes('HTTP 404')) answer = { status: 200, body: { ...REPORT, status: 'ok' } };
      else stop.abort();
    });
    expect(code).toBe(0);
    expect(out.match(/^The gateway is/gm)).toHaveLength(2);
    expect(err).toMatch(/not a gateway's readiness/);
  });
});
