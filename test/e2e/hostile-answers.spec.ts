import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { flood, JSON_TYPE, SSE_TYPE, startHostile, type Trick } from '../support/hostile.js';
import { RawSession } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { http } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const SECRET = 'the-upstreams-credential-0123456789';
const KIB = 1024;

const message = (id: string, text: string) =>
  `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${text}"}]}}`;

/** Answers that are too much, never end, or are spelled so that reading them is. */
const EXCESSES: Record<string, Trick> = {
  huge_json: (response, id) => {
    response.writeHead(200, JSON_TYPE);
    response.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`);
    flood(response, () => 'x'.repeat(64 * KIB));
  },
  announced_json: (response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': 100 * KIB * KIB });
    response.write('{');
  },
  huge_line: (response) => {
    response.writeHead(200, SSE_TYPE);
    response.write('data: ');
    flood(response, () => 'x'.repeat(64 * KIB));
  },
  huge_event: (response) => {
    response.writeHead(200, SSE_TYPE);
    flood(response, () => `data: ${'x'.repeat(4 * KIB)}\n`);
  },
  endless_stream: (response) => {
    response.writeHead(200, SSE_TYPE);
    flood(response, () => ': nothing\n\n'.repeat(1_000));
  },
  many_events: (response) => {
    response.writeHead(200, SSE_TYPE);
    flood(response, () => 'data: {"jsonrpc":"2.0","method":"notifications/nothing"}\n\n'.repeat(500));
  },
  big_header: (response, id) => {
    response.writeHead(200, { ...JSON_TYPE, 'x-big': 'x'.repeat(20 * KIB) }).end(message(id, 'never'));
  },
  endless_headers: (response) => {
    const { socket } = response;
    socket?.write('HTTP/1.1 200 OK\r\n');
    const more = () => {
      while (socket?.writable && socket.write(`x-${Math.random()}: ${'x'.repeat(500)}\r\n`));
    };
    socket?.on('drain', more);
    more();
  },
  gzip_bomb: (response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(20 * KIB * KIB)));
  },
  brotli: (response, id) => {
    const body = brotliCompressSync(Buffer.from(message(id, 'never')));
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'br' }).end(body);
  },
  nested_encodings: (response, id) => {
    const body = gzipSync(gzipSync(Buffer.from(message(id, 'never'))));
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip, gzip' }).end(body);
  },
};

/** Silence and breaks, none of which may make a call run twice. */
const SILENCES: Record<string, Trick> = {
  hangs_before_headers: () => {},
  hangs_in_body: (response, id) => {
    response.writeHead(200, JSON_TYPE);
    response.write(`{"jsonrpc":"2.0","id":${id},`);
  },
  hangs_in_stream: (response) => {
    response.writeHead(200, SSE_TYPE);
    response.write(': hello\n\n');
  },
  resets: (response) => void response.socket?.resetAndDestroy(),
  resets_in_body: (response, id) => {
    response.writeHead(200, JSON_TYPE);
    response.write(`{"jsonrpc":"2.0","id":${id},`, () => response.socket?.resetAndDestroy());
  },
};

/** Error pages that tell what they should not. */
const TELLING = `Error: Bearer ${SECRET} rejected by https://root:pw@db.internal:5432/x?token=abc123def\n    at Foo.bar (/srv/app/index.js:10:5)`;
const PAGES: Record<string, Trick> = {
  says_500: (response) => response.writeHead(500, { 'content-type': 'text/plain' }).end(TELLING),
  says_401: (response) =>
    response
      .writeHead(401, { 'content-type': 'text/plain', 'www-authenticate': `Bearer realm="${SECRET}"` })
      .end(TELLING),
  says_403: (response) => response.writeHead(403, JSON_TYPE).end(JSON.stringify({ error: TELLING })),
  says_json: (response) => response.writeHead(200, JSON_TYPE).end(JSON.stringify({ oops: TELLING })),
  says_nobody: (response) =>
    response
      .writeHead(200, JSON_TYPE)
      .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32603, message: TELLING } })),
};

const REDIRECTS = [301, 302, 303, 307, 308];

const cleanup = new Cleanup();
let hostile: RecordingUpstream;
let good: RecordingUpstream;
let gateway: SpawnedGateway;
let elsewhere: RecordingUpstream;

beforeAll(async () => {
  elsewhere = cleanup.add(await RecordingUpstream.start());
  const redirects = Object.fromEntries(
    REDIRECTS.map((status): [string, Trick] => [
      `redirect_${status}`,
      (response) => response.writeHead(status, { location: elsewhere.url }).end(),
    ]),
  );
  const inside: Trick = (response) => response.writeHead(307, { location: 'http://169.254.169.254/latest' }).end();
  hostile = cleanup.add(
    await startHostile({ ...EXCESSES, ...SILENCES, ...PAGES, ...redirects, redirect_inside: inside }),
  );
  good = cleanup.add(await RecordingUpstream.start());
  const limits = { response: '512KiB', event: '256KiB' };
  const bad = http('bad', hostile.url, { timeout: '2s', max_total: '4s', limits });
  gateway = cleanup.add(
    await spawnGateway({
      servers: [{ ...bad, auth: { type: 'bearer', token: SECRET } }, http('good', good.url)],
      proxy: { heartbeat: { enabled: false } },
      sections: { log: { level: 'info' } },
    }),
  );
  await listed(gateway, 'bad', 'good');
});

afterAll(() => cleanup.close());

async function call(tool: string, server = 'bad') {
  const session = await RawSession.open(gateway.mcp());
  const name = `${server}:${tool}`;
  const reply = await session.request('tools/call', { name, arguments: {} });
  await session.close();
  return reply;
}

const arrivals = (tool: string) =>
  hostile.journal.work.filter(({ rpc }) => rpc.method === 'tools/call' && rpc.params?.['name'] === tool);

describe('what is too much', () => {
  it.each(Object.keys(EXCESSES))(
    'T125 T126: %s is cut off: the call fails, its socket goes, everybody else is served',
    { timeout: 60_000 },
    async (tool) => {
      const times: number[] = [];
      const bad = call(tool);
      for (let n = 0; n < 20; n++) {
        const started = performance.now();
        expect((await call('read', 'good')).result).toMatchObject({ content: [{ text: 'read was called' }] });
        times.push(performance.now() - started);
      }
      const { error, result, text } = await bad;
      expect(error ?? result, text).toBeDefined();
      expect(JSON.stringify(error ?? result)).toMatch(
        /UPSTREAM_(?:TOO_LARGE|PROTOCOL|TIMEOUT|DISCONNECTED)|no sign of life|longer than|more than|compressed/,
      );
      expect(text).not.toContain('never');
      // A median, and generous: other tests share this machine.
      expect(times.sort((a, b) => a - b)[10]).toBeLessThan(1_000);
      expect(arrivals(tool)).toHaveLength(1);
    },
  );

  it('T125 T126: leaves the memory of the gateway as it was, and small answers pass', async () => {
    expect((await call('read')).result).toMatchObject({ content: [{ text: 'read was called' }] });
    const metrics = await fetch(`${gateway.url}/metrics`).then((answer) => answer.text());
    const [, bytes] = /^process_resident_memory_bytes (\S+)$/m.exec(metrics) ?? [];
    if (bytes !== undefined) expect(Number(bytes)).toBeLessThan(400 * KIB * KIB);
    for (const { headers } of hostile.journal.arrivals.items) expect(headers['accept-encoding']).toBe('identity');
  });
});

describe('silence and breaks', () => {
  it.each(Object.keys(SILENCES))(
    'T129: %s ends the call, which is never sent again',
    { timeout: 60_000 },
    async (tool) => {
      const { error, result } = await call(tool);
      expect(JSON.stringify(error ?? result)).toMatch(/may have (?:been executed|run)|was cancelled/);
      expect((await call('read')).result).toMatchObject({ content: [{ text: 'read was called' }] });
      expect(arrivals(tool)).toHaveLength(1);
    },
  );

  it('T129: an upstream that is silent behind initialize is unreachable, and its tools are nobody’s problem', async () => {
    const mute = cleanup.add(
      await RecordingUpstream.start({ era: 'legacy', intercept: ({ rpc }) => rpc.method === 'tools/list' }),
    );
    const own = cleanup.add(
      await spawnGateway({ servers: [http('mute', mute.url, { timeout: '1s' }), http('good', good.url)] }),
    );
    await listed(own, 'good');
    await until(
      'the lists were asked for',
      () => mute.journal.arrivals.count(({ rpc }) => rpc.method === 'tools/list') > 0,
    );
    const session = await RawSession.open(own.mcp());
    expect((await session.request('tools/call', { name: 'good:read', arguments: {} })).result).toBeDefined();
    await session.close();
  });
});

describe('redirects', () => {
  it.each(REDIRECTS)('T127: a %i is an error; nobody else is asked and no credential goes anywhere', async (status) => {
    const { error, result } = await call(`redirect_${status}`);
    const text = JSON.stringify(error ?? result);
    expect(text).toContain(`answered HTTP ${status}`);
    expect(text).toContain('which is not followed');
    expect(elsewhere.journal.arrivals.items).toEqual([]);
    expect(arrivals(`redirect_${status}`)).toMatchObject([{ headers: { authorization: `Bearer ${SECRET}` } }]);
  });

  it('T127: one to the inside of a network is an error as well', async () => {
    const { error, result } = await call('redirect_inside');
    expect(JSON.stringify(error ?? result)).toContain('which is not followed');
  });
});

describe('error pages', () => {
  it.each(Object.keys(PAGES))('T132: %s tells the client and the log nothing but its kind', async (tool) => {
    const { error, result, text, headers } = await call(tool);
    expect(error ?? result).toBeDefined();
    const output = gateway.output();
    for (const told of [SECRET, 'db.internal', 'abc123def', 'Foo.bar', 'index.js', 'root:pw']) {
      expect(text + JSON.stringify(headers)).not.toContain(told);
      expect(output).not.toContain(told);
    }
    expect(arrivals(tool)).toHaveLength(1);
  });

  it('T132: are in the log at debug level, without what is secret in them', async () => {
    const own = cleanup.add(
      await spawnGateway({
        servers: [{ ...http('bad', hostile.url), auth: { type: 'bearer', token: SECRET } }],
        sections: { log: { level: 'debug' } },
      }),
    );
    await listed(own, 'bad');
    const session = await RawSession.open(own.mcp());
    await session.request('tools/call', { name: 'bad:says_500', arguments: {} });
    await session.close();
    const line = await until('the line is there', () => /^.*answered HTTP 500: .*$/m.exec(own.output())?.[0]);
    expect(line).toContain('Error: Bearer [secret] rejected by https://db.internal:5432/x');
    for (const told of [SECRET, 'abc123def', 'root:pw', 'index.js']) expect(own.output()).not.toContain(told);
  });
});
