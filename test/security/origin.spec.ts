import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bothEras, Guarded } from '../support/guarded.js';
import { http } from '../support/raw.js';
import { Cleanup } from '../support/wait.js';
import { statuses, wire } from '../support/wire.js';

const cleanup = new Cleanup();
let guarded: Guarded;
let calls: Awaited<ReturnType<typeof bothEras>>;

beforeAll(async () => {
  guarded = await Guarded.start(cleanup, { server: { cors: { allowed_origins: ['https://ok.example'] } } });
  calls = await bothEras(guarded);
});
afterAll(() => cleanup.close());
beforeEach(() => void guarded.deeds());

/** A call in each era with these headers besides: its statuses, and what arrived. */
async function attempt(more: Record<string, string>) {
  const answers = [];
  for (const { headers, body } of calls) {
    answers.push(await http(guarded.mcp, { headers: { ...headers, ...more }, body }));
  }
  return { answers, statuses: answers.map(({ status }) => status), deeds: guarded.deeds() };
}

const THROUGH = { statuses: [200, 200], deeds: ['tools/call read', 'tools/call read'] };
const REFUSED = { statuses: [403, 403], deeds: [] };

describe('hosts and origins', () => {
  it.each([
    ['both', { host: 'evil.example', origin: 'http://evil.example' }],
    ['the host', { host: 'evil.example' }],
    ['the origin', { origin: 'http://evil.example' }],
  ])('T001: refuses a page that had %s rebound to loopback', async (_what, headers) => {
    expect(await attempt(headers)).toMatchObject(REFUSED);
    expect(await attempt({ host: 'localhost:1', origin: 'http://localhost:3000' })).toMatchObject(THROUGH);
  });

  it.each([
    'null',
    'https://ok.example.evil.com',
    'https://ok.example@evil.com',
    'https://ok.example/',
    'https://OK.example',
  ])('T002: refuses the origin %s', async (origin) => {
    expect(await attempt({ origin })).toMatchObject(REFUSED);
    expect(await attempt({ origin: 'https://ok.example' })).toMatchObject(THROUGH);
  });

  it('T002: refuses two origins, though each of them is good', async () => {
    const { headers, body } = calls[1] as (typeof calls)[number];
    const lines = Object.entries({ ...headers, 'content-type': 'application/json', accept: 'application/json' });
    const request = (origins: number) =>
      [
        'POST /mcp HTTP/1.1',
        'host: localhost',
        'connection: close',
        ...lines.map(([name, value]) => `${name}: ${value}`),
        ...Array.from({ length: origins }, () => 'origin: https://ok.example'),
        `content-length: ${body.length}`,
        '',
        body,
      ].join('\r\n');
    expect(statuses(await wire(guarded.url, request(2)))).toEqual([403]);
    expect(guarded.deeds()).toEqual([]);
    expect(statuses(await wire(guarded.url, request(1)))).toEqual([200]);
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });

  it('T003: lets callers without an origin go on to be authenticated', async () => {
    expect(await attempt({})).toMatchObject(THROUGH);
  });

  it.each(['https://evil.example', 'null', 'https://ok.example.evil.com'])(
    'T005: lets the preflight of a page of %s allow nothing',
    async (origin) => {
      const preflight = (from: string) =>
        fetch(guarded.mcp, {
          method: 'OPTIONS',
          headers: { origin: from, 'access-control-request-method': 'POST' },
        });
      const refused = await preflight(origin);
      expect([204, 403]).toContain(refused.status);
      for (const name of ['origin', 'methods', 'headers', 'credentials']) {
        expect(refused.headers.get(`access-control-allow-${name}`), name).toBeNull();
      }
      const good = await preflight('https://ok.example');
      expect(good.headers.get('access-control-allow-origin')).toBe('https://ok.example');
      expect(good.headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  it('T007: takes one host, names no foreign one, and believes no absolute target', async () => {
    const rest = 'content-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}';
    const twice = await wire(guarded.url, `POST /mcp HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n${rest}`);
    const absolute = await wire(guarded.url, `POST http://evil.example/mcp HTTP/1.1\r\nhost: localhost\r\n${rest}`);
    const missing = await wire(guarded.url, `POST /mcp HTTP/1.1\r\n${rest}`);
    const known = await wire(
      guarded.url,
      'GET http://evil.example/.well-known/oauth-protected-resource HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    );
    expect([twice, absolute, missing, known].map((answer) => statuses(answer)[0])).toEqual([400, 403, 400, 403]);
    for (const answer of [twice, absolute, missing, known]) expect(answer).not.toContain('evil');
    expect(guarded.deeds()).toEqual([]);
  });
});

describe('what is not a request of ours', () => {
  it.each([
    ['text/plain'],
    ['application/json;charset=utf-16'],
    ['application/json\t;x'],
    ['text/json'],
    ['multipart/form-data; boundary=x'],
    ['application/x-www-form-urlencoded'],
    ['application/json, text/plain'],
    ['application/json; charset=utf-8; boundary=x'],
    [''],
  ])('T073: answers 415 to content of the type %j', async (type) => {
    expect(await attempt({ 'content-type': type })).toMatchObject({ statuses: [415, 415], deeds: [] });
    expect(await attempt({ 'content-type': 'application/json; charset=UTF-8' })).toMatchObject(THROUGH);
  });

  it('T006: answers 415 to a form of a foreign page, which browsers send without asking', async () => {
    const page = { 'content-type': 'text/plain', origin: 'http://localhost:3000' };
    expect(await attempt(page)).toMatchObject({ statuses: [415, 415], deeds: [] });
    expect(await attempt({ ...page, 'content-type': 'application/json' })).toMatchObject(THROUGH);
  });

  it.each(['gzip', 'br', 'deflate, gzip', 'x-unknown'])(
    'T074: answers 415 to a body packed as %s',
    async (encoding) => {
      expect(await attempt({ 'content-encoding': encoding })).toMatchObject({ statuses: [415, 415], deeds: [] });
      expect(await attempt({ 'content-encoding': 'identity' })).toMatchObject(THROUGH);
    },
  );

  it.each(['text/html', 'application/xml', 'application/json;q=0', 'image/*'])(
    'T075: answers 406 to whoever reads only %s',
    async (accept) => {
      expect(await attempt({ accept })).toMatchObject({ statuses: [406, 406], deeds: [] });
    },
  );

  it('T075: is lenient where an answer can be read, and wants event streams for streams', async () => {
    for (const accept of ['application/json', '*/*', 'application/json, text/event-stream']) {
      expect(await attempt({ accept })).toMatchObject(THROUGH);
    }
    const session = await guarded.session();
    const stream = await http(guarded.mcp, {
      method: 'GET',
      headers: { ...session.headers, accept: 'application/json' },
    });
    expect(stream.status).toBe(406);
  });
});
