import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, dataOf, type Peer } from '../support/client.js';
import { GENERATIONS } from '../support/clients.js';
import { type FileConfig, type Gateway, listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { Inspector } from '../support/inspector.js';
import { callTool, type ModernReply } from '../support/modern.js';
import { initializeBody, RawSession, http as raw } from '../support/raw.js';
import { Torrent } from '../support/torrent.js';
import { type HttpServer, http, startRich } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let rich: HttpServer;
let witness: Peer;
beforeAll(async () => {
  rich = servers.add(await startRich());
  witness = servers.add(await connect(rich.url));
});
afterAll(() => servers.close());
afterEach(() => cleanup.close());

function configured(rateLimit: readonly object[], limits: object = {}): FileConfig {
  return { server: { limits }, servers: [http('web', rich.url)], sections: { rate_limit: rateLimit } };
}

async function gatewayWith(
  rateLimit: readonly object[],
  limits: object = {},
  node: readonly string[] = [],
): Promise<SpawnedGateway> {
  const gateway = cleanup.add(await spawnGateway(configured(rateLimit, limits), { node }));
  await listed(gateway, 'web');
  return gateway;
}

/** What reached the server, and what is going on there. */
async function seen(): Promise<{ calls: Record<string, number>; running: string[] }> {
  return dataOf(await witness.call('status')) as never;
}

async function reached(tool: string): Promise<number> {
  return (await seen()).calls[tool] ?? 0;
}

async function limitsReached(gateway: Gateway): Promise<string> {
  const { text } = await raw(`${gateway.url}/metrics`, { method: 'GET' });
  return text
    .split('\n')
    .filter((line) => line.startsWith('mcp_gateway_limits_reached{'))
    .join('\n');
}

describe.each(Object.entries(GENERATIONS))('the official client (%s)', (_name, generation) => {
  it('is told which limit it reached and when to come back, and goes on with everything else', async () => {
    const gateway = await gatewayWith([{ key: 'tool', match: 'web:echo', limit: 20, per: '1m', burst: 2 }]);
    const client = cleanup.add(await generation.connect(gateway.mcp()));
    const before = await reached('echo');
    const echo = () => client.call('web:echo', { message: 'again' });
    await echo();
    await echo();
    await expect(echo()).rejects.toThrow(
      /web:echo takes 20 calls a minute from all callers together, 2 at once, and none is left; try again in \d seconds/,
    );
    expect(await reached('echo')).toBe(before + 2);
    for (let i = 0; i < 5; i++) expect(await client.names('tools')).toContain('web:echo');
    expect((await client.call('web:inspect')).isError).not.toBe(true);
    await until('there is one again', () => echo());
    expect(await reached('echo')).toBe(before + 3);
  });
});

describe('over a limit', () => {
  const SENTENCE = 'You may make 1 call an hour to web:*, and none is left; try again in 3600 seconds';
  const RULE = { key: 'principal', match: 'web:*', limit: 1, per: '1h' };

  it('both eras are answered 429 with Retry-After and a sentence, and the metrics say which limit it was', async () => {
    const gateway = await gatewayWith([RULE]);
    const session = await RawSession.open(gateway.mcp());
    expect((await session.request('tools/call', { name: 'web:echo', arguments: {} })).status).toBe(200);
    const legacy = await session.request('tools/call', { name: 'web:echo', arguments: {} });
    const modern = await callTool(gateway.mcp(), 'web:echo');
    for (const reply of [legacy, modern]) {
      expect(reply.status, reply.text).toBe(429);
      expect(Number(reply.headers['retry-after'])).toBeGreaterThan(3500);
      expect(reply.headers['content-type']).toBe('application/json');
      expect(reply.error).toMatchObject({
        code: -32603,
        data: { code: 'RATE_LIMITED', rule: 'principal web:*', limit: 1, per: 3600 },
      });
    }
    expect(legacy.error?.message).toBe(SENTENCE);
    expect(await limitsReached(gateway)).toBe(
      'mcp_gateway_limits_reached{limit="rate_limit[].limit",rule="principal web:*"} 2',
    );
  });

  it('a batch is answered as a whole, with the error in the place of the call that was too much', async () => {
    const gateway = await gatewayWith([RULE]);
    const session = await RawSession.open(gateway.mcp(), { version: '2025-03-26' });
    const call = (id: number) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'web:echo', arguments: {} },
    });
    const answer = await session.post(
      JSON.stringify([call(1), call(2), { jsonrpc: '2.0', id: 3, method: 'tools/list' }]),
    );
    expect(answer.status).toBe(200);
    const replies = answer.messages.flatMap((text) => JSON.parse(text) as { id: number; error?: object }[]);
    expect(replies.find(({ id }) => id === 3)).not.toHaveProperty('error');
    expect(replies.filter(({ error }) => error).map(({ error }) => error)).toMatchObject([
      { data: { code: 'RATE_LIMITED' } },
    ]);
  });

  it('a reload keeps what was used of a rule that stays, and begins anew with one that changed', async () => {
    const gateway = await gatewayWith([RULE]);
    const call = async () => (await callTool(gateway.mcp(), 'web:echo')).status;
    expect([await call(), await call()]).toEqual([200, 429]);
    const next = configured([{ key: 'ip', limit: 1000 }, RULE]);
    gateway.rewrite({ ...next, proxy: { toolsets: { fresh: { include: ['web:*'] } } } });
    await until('the new rules are there', async () => (await callTool(gateway.mcp('fresh'), 'none')).status !== 404);
    expect(await call()).toBe(429);
    gateway.rewrite(configured([{ ...RULE, limit: 2 }]));
    await until('the changed rule is there', async () => (await call()) === 200);
  });
});

describe('calls that run at the same time', () => {
  const ONE = [{ key: 'principal', concurrency: 1 }];

  it('are bounded, and make room when they end or their client gives up', async () => {
    const gateway = await gatewayWith(ONE);
    const client = cleanup.add(await connect(gateway.mcp()));
    const gone = new AbortController();
    const label = 'held';
    const running = client.client
      .callTool({ name: 'web:slow', arguments: { label, ms: 60_000 } }, undefined, { signal: gone.signal })
      .catch((error: unknown) => error);
    await until('it runs', async () => (await seen()).running.includes(label));
    await expect(client.call('web:echo', { message: 'a' })).rejects.toThrow(
      /You may make 1 call at a time, and one is running; try again when one has finished/,
    );
    gone.abort('enough');
    await running;
    await until('there is room', () => client.call('web:echo', { message: 'b' }));
    expect(await limitsReached(gateway)).toContain('limit="rate_limit[].concurrency",rule="principal"');
  });

  it('keep their place while they are parked, and their retry needs none', async () => {
    const gateway = await gatewayWith(ONE);
    const asks = { capabilities: { elicitation: { form: {} } } };
    const first = await callTool(gateway.mcp(), 'web:ask', {}, asks);
    expect(first.result, first.text).toMatchObject({ resultType: 'input_required' });
    const { requestState, inputRequests } = first.result as { requestState: string; inputRequests: object };
    expect((await callTool(gateway.mcp(), 'web:echo')).status).toBe(429);
    const [key = ''] = Object.keys(inputRequests);
    const inputResponses = { [key]: { action: 'accept', content: { answer: 'yes' } } };
    const done = await callTool(gateway.mcp(), 'web:ask', { requestState, inputResponses }, asks);
    expect(done.result, done.text).toMatchObject({ resultType: 'complete' });
    expect((await callTool(gateway.mcp(), 'web:echo')).status).toBe(200);
  });
});

describe('an address that guesses keys', () => {
  const KEY = 'a-key-of-somebody-who-may-call-0123456789';

  it('is blocked after ten wrong ones, alone, and even then not for a key that was good before', async () => {
    const gateway = cleanup.add(
      await spawnGateway({
        server: { trusted_proxies: ['127.0.0.1'] },
        servers: [],
        sections: { api_keys: [{ name: 'ann', key: KEY }] },
      }),
    );
    const open = (address: string, key: string) =>
      raw(gateway.mcp(), {
        headers: { 'x-forwarded-for': address, authorization: `Bearer ${key}` },
        body: initializeBody(),
      });
    expect((await open('203.0.113.5', KEY)).status).toBe(200);
    const statuses: number[] = [];
    for (let i = 0; i < 15; i++) statuses.push((await open('203.0.113.5', `guess-${i}`)).status);
    expect(statuses).toEqual([...Array(10).fill(401), ...Array(5).fill(429)]);
    const refused = await open('203.0.113.5', 'guess');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(30);
    expect((await open('203.0.113.5', KEY)).status).toBe(200);
    expect((await open('203.0.113.6', 'guess')).status).toBe(401);
    expect(await limitsReached(gateway)).toBe(
      'mcp_gateway_limits_reached{limit="server.limits.auth_failures_per_minute",rule=""} 6',
    );
  });
});

describe('a flood of calls', () => {
  it('is taken up to the bound, the rest is refused at once, and what was taken is done', async () => {
    const torrent = cleanup.add(await Torrent.start());
    const limits = { requests_in_flight: 40 };
    const servers = [http('web', torrent.url, { pool: 64 })];
    const gateway = cleanup.add(await spawnGateway({ server: { limits }, servers }));
    await listed(gateway, 'web');
    const taken: ModernReply[] = [];
    const refused: ModernReply[] = [];
    const calls = Array.from({ length: 400 }, async () => {
      const reply = await callTool(gateway.mcp(), 'web:hold');
      (reply.status === 503 ? refused : taken).push(reply);
    });
    await until('the rest is refused', () => refused.length + torrent.holds === 400);
    expect(torrent.holds).toBe(40);
    for (const { headers, error } of refused) {
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(error).toMatchObject({ data: { code: 'OVERLOADED', key: 'server.limits.requests_in_flight' } });
    }
    for (const probe of ['live', 'ready']) {
      expect((await raw(`${gateway.url}/${probe}`, { method: 'GET' })).status).toBe(200);
    }
    torrent.release();
    await Promise.all(calls);
    expect(taken.map(({ status, result }) => [status, result?.['content']])).toEqual(Array(40).fill([200, []]));
    expect((await callTool(gateway.mcp(), 'web:echo')).status).toBe(200);
    expect(torrent.holds).toBe(40);
    expect(await limitsReached(gateway)).toBe(
      'mcp_gateway_limits_reached{limit="server.limits.requests_in_flight",rule=""} 360',
    );
  });
});

describe('a gateway whose event loop is blocked', () => {
  it('refuses new work with 503 while probes are answered, and recovers by itself', async () => {
    const gateway = await gatewayWith([], { event_loop_delay: '300ms' }, ['--inspect=127.0.0.1:0']);
    const inspector = cleanup.add(await Inspector.attach(gateway));
    const session = await RawSession.open(gateway.mcp());
    const call = () => session.request('tools/call', { name: 'web:echo', arguments: {} });
    await until('it takes work', async () => (await call()).status === 200);
    const refused = await until('it sheds load', async () => {
      await inspector.block(1000);
      const reply = await call();
      return reply.status === 503 ? reply : undefined;
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.error).toMatchObject({ data: { code: 'OVERLOADED', key: 'server.limits.event_loop_delay' } });
    expect((await raw(`${gateway.url}/live`, { method: 'GET' })).status).toBe(200);
    await until('it takes work again', async () => (await call()).status === 200);
    expect(await limitsReached(gateway)).toContain('limit="server.limits.event_loop_delay"');
  });
});
