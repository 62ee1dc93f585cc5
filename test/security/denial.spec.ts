import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Flood } from '../support/flood.js';
import { Guarded } from '../support/guarded.js';
import { modernBody, modernHeaders } from '../support/modern.js';
import { openFiles, residentBytes } from '../support/processes.js';
import { http } from '../support/raw.js';
import { listen } from '../support/stream.js';
import { Cleanup, until } from '../support/wait.js';
import { statuses, wire } from '../support/wire.js';

const KEY = 'ann-0123456789-abcdefghij-klmnopqrst';
const ANN = { authorization: `Bearer ${KEY}` };
const sections = {
  api_keys: [{ name: 'ann', key: KEY, claims: { groups: ['User'] } }],
  auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { '*/rec:*': ['use'] } },
};
const HEAD = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

const servers = new Cleanup();
const cleanup = new Cleanup();
let guarded: Guarded;

beforeAll(async () => {
  guarded = await Guarded.start(servers, { sections, caller: ANN });
});
afterAll(() => servers.close());
afterEach(() => cleanup.close());

const memory = () => residentBytes(guarded.gateway.pid);

describe('T140: 2,000 sockets that take their time', () => {
  it('are cut within the limits, while everybody else is served', async () => {
    const own = await Guarded.start(cleanup, { sections, caller: ANN });
    const before = openFiles(own.gateway.pid);
    const slow = 'Content-Length: 100000\r\n\r\n ';
    const floods = [
      { flood: new Flood(), count: 700, first: 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', drip: 'a' },
      { flood: new Flood(), count: 500, first: `${HEAD}${slow}`, drip: ' ' },
      { flood: new Flood(), count: 200, first: `${HEAD}Authorization: Bearer ${KEY}\r\n${slow}`, drip: ' ' },
      { flood: new Flood(), count: 600, first: '', drip: '' },
    ];
    for (const { flood, count, first, drip } of floods) {
      cleanup.add(flood);
      await flood.start(own.url, count, first, drip);
    }
    expect(floods.map(({ flood }) => flood.opened)).toEqual([700, 500, 200, 600]);
    let served = 0;
    const refused: unknown[] = [];
    const areCut = async () => {
      const answer = await own.call().catch((thrown: unknown) => ({ result: undefined, thrown }));
      if (answer.result === undefined) refused.push(answer);
      else served += 1;
      return floods.every(({ flood }) => flood.open === 0);
    };
    await until('every one of them is cut', areCut, 50_000);
    expect(refused).toEqual([]);
    const [headers, strangers, callers, silent] = floods.map(({ flood }) => flood.ends);
    expect(headers?.get(408)).toBe(700);
    // Refused for its credentials at once; what it still sends is cut off with the deadline for requests.
    expect(strangers?.get(401)).toBe(500);
    expect(callers?.get(408)).toBe(200);
    expect((silent?.get(408) ?? 0) + (silent?.get(0) ?? 0)).toBe(600);
    await until('their descriptors are free', () => openFiles(own.gateway.pid) < before + 20);
    expect(own.deeds()).toHaveLength(served);
  }, 90_000);
});

describe('T141: the body of a stranger', () => {
  it('is answered before it is read, and kept nowhere', async () => {
    const { hostname, port } = new URL(guarded.url);
    const before = memory();
    const chunk = Buffer.alloc(1024 * 1024, 0x20);
    const size = 50 * chunk.length;
    let answered = 0;
    const sockets = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => {});
        socket.write(`${HEAD}Content-Length: ${size}\r\n\r\n`);
        socket.write(chunk.subarray(0, 64 * 1024));
        const [head] = await new Promise<[Buffer]>((resolve) => socket.once('data', (data) => resolve([data])));
        if (head.toString('latin1').startsWith('HTTP/1.1 401 ')) answered++;
        return socket;
      }),
    );
    expect(answered).toBe(10);
    for (let sent = 0; sent < 10; sent++) for (const socket of sockets) socket.write(chunk);
    expect((await guarded.call()).result).toBeDefined();
    expect(memory() - before).toBeLessThan(64 * 1024 * 1024);
    for (const socket of sockets) socket.destroy();
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });
});

describe('T143: streams', () => {
  it('of one caller are bounded: ten of a thousand open', async () => {
    const session = await guarded.session();
    const opened = [];
    let refused = 0;
    for (let round = 0; round < 10; round++) {
      const tries = Array.from({ length: 100 }, () => listen(session, cleanup));
      for (const stream of await Promise.all(tries)) {
        if (stream.response.status === 200) opened.push(stream);
        else if (stream.response.status === 429) refused++;
        expect(stream.response.status === 200 || stream.response.headers.get('retry-after') !== null).toBe(true);
      }
    }
    expect([opened.length, refused]).toEqual([10, 990]);
    expect((await guarded.call()).result).toBeDefined();
    await cleanup.close();
    await until('the places are free', async () => {
      const stream = await listen(session, cleanup);
      return stream.response.status === 200;
    });
  });

  it('that are left take their upstream requests with them', async () => {
    await cleanup.close();
    guarded.deeds();
    const before = openFiles(guarded.gateway.pid);
    const abandoned = Array.from({ length: 100 }, (_, n) => `left-${n}`);
    const body = (label: string) => modernBody('tools/call', { name: 'rec:wait', arguments: { label } });
    const gone = new AbortController();
    const calls = abandoned.map((label) =>
      fetch(guarded.mcp, {
        method: 'POST',
        signal: gone.signal,
        headers: {
          ...modernHeaders('tools/call', { name: 'rec:wait' }),
          ...ANN,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: body(label),
      }).catch(() => undefined),
    );
    await until('all arrived', () => guarded.upstream.journal.deeds.length >= 32);
    gone.abort();
    await Promise.all(calls);
    await until('all are gone upstream', () => abandoned.every((label) => !guarded.upstream.waits(label)));
    await until('their descriptors are free', () => openFiles(guarded.gateway.pid) < before + 50);
    expect((await guarded.call()).result).toBeDefined();
  });
});

describe('T146: bad requests without end', () => {
  it('fill no log', async () => {
    const own = await Guarded.start(cleanup, {
      sections: { ...sections, log: { level: 'info', format: 'json' } },
      caller: ANN,
    });
    let lines = 0;
    own.gateway.child.stdout?.on('data', (chunk: string) => {
      lines += chunk.split('\n').length - 1;
    });
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const headers: Record<string, string> = n % 3 === 0 ? {} : n % 3 === 1 ? { authorization: 'Bearer x' } : ANN;
          return http(own.mcp, { headers, body: '{' });
        }),
      );
    }
    expect((await own.call()).result).toBeDefined();
    // Fifty of each kind within ten seconds, and how many there were besides.
    expect(lines).toBeGreaterThan(100);
    expect(lines).toBeLessThan(500);
    expect(own.deeds()).toEqual(['tools/call read']);
  });
});

describe('T148: heads without end', () => {
  it('are refused: lines, size, URL, parameters', async () => {
    const request = (target: string, lines: string) =>
      wire(guarded.url, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n`);
    expect(statuses(await request('/mcp', 'a:1\r\n'.repeat(3_000)))).toEqual([431]);
    expect(statuses(await request('/mcp', 'a:1\r\n'.repeat(150)))).toEqual([431]);
    expect(statuses(await request('/mcp', `a: ${'x'.repeat(20_000)}\r\n`))).toEqual([431]);
    expect(statuses(await request(`/mcp?${'x'.repeat(16_384)}`, ''))).toEqual([431]);
    expect(statuses(await request(`/mcp?${'x'.repeat(8_000)}`, ''))).toEqual([414]);
    expect(statuses(await request(`/mcp?${'a=1&'.repeat(10_000)}`, ''))).toEqual([431]);
    expect(statuses(await request(`/mcp?${'a&'.repeat(4_000)}`, ''))).toEqual([414]);
    expect(statuses(await request(`/mcp?${'a&'.repeat(100)}`, ''))).toEqual([401]);
  });
});

describe('T149: messages whose end is doubtful', () => {
  const body = modernBody('tools/call', { name: 'rec:read', arguments: {} });
  const lines = Object.entries({ ...modernHeaders('tools/call', { name: 'rec:read' }), ...ANN })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const length = `Content-Length: ${body.length}\r\n`;

  it.each([
    ['a length and chunks', `${length}Transfer-Encoding: chunked\r\n`, '\r\n'],
    ['two lengths', `${length}Content-Length: 3\r\n`, '\r\n'],
    ['a length twice', length + length, '\r\n'],
    ['two lengths in one', `Content-Length: ${body.length}, 3\r\n`, '\r\n'],
    ['an unknown coding', 'Transfer-Encoding: x, chunked, identity\r\n', '\r\n'],
    ['a folded line', `${length}X-Folded: a\r\n b\r\n`, '\r\n'],
    ['a blank before a colon', `Content-Length : ${body.length}\r\n`, '\r\n'],
    ['a length that is none', `Content-Length: +${body.length}\r\n`, '\r\n'],
    ['a bare line feed', `${length}X-A: b\nX-B: c\r\n`, '\r\n'],
  ])('%s is refused', async (_what, framing, end) => {
    guarded.deeds();
    const received = await wire(guarded.url, `${HEAD}Connection: close\r\n${lines}${framing}${end}${body}`);
    expect(statuses(received)[0]).toBe(400);
    expect(guarded.deeds()).toEqual([]);
  });

  it('a plain length is not', async () => {
    const received = await wire(guarded.url, `${HEAD}Connection: close\r\n${lines}${length}\r\n${body}`);
    expect(statuses(received)).toEqual([200]);
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });
});
