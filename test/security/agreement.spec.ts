import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configFrom } from '#libs/config';
import { Guarded } from '../support/guarded.js';
import { modernBody, modernHeaders } from '../support/modern.js';
import { http, type RawSession } from '../support/raw.js';
import { Cleanup } from '../support/wait.js';
import { statuses, wire } from '../support/wire.js';

const cleanup = new Cleanup();
let guarded: Guarded;
let session: RawSession;

// NFC of what another spelling of the same text must not reach.
const ACCENTED = 'Ex\u00e9cute';

beforeAll(async () => {
  guarded = await Guarded.start(cleanup, {
    upstream: { tools: ['read', 'delete', 'b:c', ACCENTED] },
    entry: { tools: { exclude: ['delete'] }, forward_headers: ['x-api-key'] },
  });
  session = await guarded.session();
});
afterAll(() => cleanup.close());
beforeEach(() => void guarded.deeds());

const PARAMS = { name: 'rec:read', arguments: {} };
const HEADERS = modernHeaders('tools/call', PARAMS);

async function attempt(headers: Record<string, string>, params: Record<string, unknown> = PARAMS, version?: string) {
  const body = modernBody('tools/call', params, version === undefined ? {} : { version });
  const answer = await http(guarded.mcp, { headers, body });
  const { error } = JSON.parse(answer.messages.at(-1) ?? '{}') as { error?: { code: number; data?: object } };
  return { status: answer.status, code: error?.code, data: error?.data, deeds: guarded.deeds() };
}

/** With lines of the head that no HTTP client would send. */
async function byHand(lines: readonly string[], params: Record<string, unknown> = PARAMS) {
  const body = modernBody('tools/call', params);
  const head = [
    'POST /mcp HTTP/1.1',
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/json',
    ...lines,
  ];
  const received = await wire(guarded.url, [...head, `Content-Length: ${body.length}`, '', body].join('\r\n'));
  return { status: statuses(received)[0], mismatch: received.includes('-32020'), deeds: guarded.deeds() };
}

const THROUGH = { status: 200, code: undefined, deeds: ['tools/call read'] };
const MISMATCH = { status: 400, code: -32020, deeds: [] };
const without = (name: string) => Object.fromEntries(Object.entries(HEADERS).filter(([key]) => key !== name));

describe('T080: headers that say something else than the body', () => {
  it.each([
    ['a harmless name', { ...HEADERS, 'mcp-name': 'rec:b:c' }],
    ['another method', { ...HEADERS, 'mcp-method': 'tools/list' }],
    ['a method in another case', { ...HEADERS, 'mcp-method': 'Tools/Call' }],
    ['no name', without('mcp-name')],
    ['no method', without('mcp-method')],
    ['two names in one line', { ...HEADERS, 'mcp-name': 'rec:read, rec:read' }],
    ['the name in another case', { ...HEADERS, 'mcp-name': 'REC:READ' }],
    ['an empty name', { ...HEADERS, 'mcp-name': '' }],
  ])('are refused: %s', async (_what, headers) => {
    expect(await attempt(headers)).toMatchObject(MISMATCH);
    expect(await attempt(HEADERS)).toMatchObject(THROUGH);
  });

  it('are refused when they come twice, which Node would join', async () => {
    const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`);
    for (const twice of ['Mcp-Name: rec:read', 'Mcp-Method: tools/call', 'MCP-Protocol-Version: 2026-07-28']) {
      expect(await byHand([...lines, twice])).toMatchObject({ status: 400, mismatch: true, deeds: [] });
    }
    expect(await byHand(lines)).toEqual({ status: 200, mismatch: false, deeds: ['tools/call read'] });
  });

  it('decide nothing in the legacy era, where the body alone is read', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: PARAMS });
    const answer = await http(guarded.mcp, { headers: { ...session.headers, 'mcp-name': 'rec:b:c' }, body });
    expect(answer.status).toBe(200);
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });
});

describe('T081: an encoded name', () => {
  const base64 = (text: string | Buffer) => Buffer.from(text as string).toString('base64');
  const named = (value: string) => ({ ...HEADERS, 'mcp-name': value });

  it.each([
    ['not base64', '=?base64?rec:read?='],
    ['half of it missing', `=?base64?${base64('rec:read')}`],
    ['the marker in another case', `=?BASE64?${base64('rec:read')}?=`],
    ['encoded twice', `=?base64?${base64(`=?base64?${base64('rec:read')}?=`)}?=`],
    ['bytes that are not UTF-8', `=?base64?${base64(Buffer.of(0xff, 0xfe))}?=`],
    ['another name', `=?base64?${base64('rec:b:c')}?=`],
    ['padding left out', `=?base64?${base64('rec:read').replace(/=+$/, '')}?=`],
  ])('is refused: %s', async (_what, value) => {
    expect(await attempt(named(value))).toMatchObject(MISMATCH);
  });

  it('is compared decoded, byte for byte', async () => {
    expect(await attempt(named(`=?base64?${base64('rec:read')}?=`))).toMatchObject(THROUGH);
    const name = `rec:${ACCENTED}`;
    const encoded = { ...modernHeaders('tools/call', {}), 'mcp-name': `=?base64?${base64(name)}?=` };
    expect(await attempt(encoded, { name, arguments: {} })).toMatchObject({
      status: 200,
      deeds: [`tools/call ${ACCENTED}`],
    });
    const other = { ...encoded, 'mcp-name': `=?base64?${base64(name.normalize('NFD'))}?=` };
    expect(await attempt(other, { name, arguments: {} })).toMatchObject(MISMATCH);
  });
});

describe('T082: versions', () => {
  it('that differ between header and body are refused', async () => {
    expect(await attempt({ ...HEADERS, 'mcp-protocol-version': '2025-11-25' })).toMatchObject(MISMATCH);
    expect(await attempt({ ...HEADERS, 'mcp-protocol-version': '2027-01-01' })).toMatchObject(MISMATCH);
    expect(await attempt(without('mcp-protocol-version'))).toMatchObject(MISMATCH);
  });

  it('that nobody speaks are refused with those that are', async () => {
    const unknown = { ...HEADERS, 'mcp-protocol-version': '2027-01-01' };
    expect(await attempt(unknown, PARAMS, '2027-01-01')).toMatchObject({
      status: 400,
      code: -32022,
      data: { supported: ['2026-07-28'] },
      deeds: [],
    });
  });

  it('are checked in the legacy era where they are named, and may be left out', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: PARAMS });
    const { 'mcp-protocol-version': _version, ...bare } = session.headers as Record<string, string>;
    for (const version of ['1999-01-01', 'latest', '2025-11-25, 2025-11-25']) {
      const answer = await http(guarded.mcp, { headers: { ...bare, 'mcp-protocol-version': version }, body });
      expect(answer.status).toBe(400);
    }
    expect(guarded.deeds()).toEqual([]);
    expect((await http(guarded.mcp, { headers: bare, body })).status).toBe(200);
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });
});

describe('T086: headers with underscores', () => {
  it('are none of those they look like, and are not forwarded as such', async () => {
    const { 'mcp-name': name, ...rest } = HEADERS as Record<string, string>;
    expect(await attempt({ ...rest, Mcp_Name: name ?? '' })).toMatchObject(MISMATCH);
    const answer = await http(guarded.mcp, {
      headers: { ...HEADERS, X_Api_Key: 'smuggled', Mcp_Session_Id: 'x' },
      body: modernBody('tools/call', PARAMS),
    });
    expect(answer.status).toBe(200);
    const [arrival] = guarded.upstream.journal.work;
    expect(JSON.stringify(arrival?.rawHeaders)).not.toMatch(/smuggled|x_api_key|mcp_/i);
    guarded.upstream.journal.forget();
    await http(guarded.mcp, { headers: { ...HEADERS, 'x-api-key': 'named' }, body: modernBody('tools/call', PARAMS) });
    expect(guarded.upstream.journal.work[0]?.headers['x-api-key']).toBe('named');
  });
});

describe('T087: names with separators in them', () => {
  it.each(['a:b', 'A', 'a_b', 'a b', 'a/b', ''])('a server cannot be called %j', (name) => {
    const server = { name, type: 'in-process' };
    expect(() => configFrom({ proxy: { servers: [server] } })).toThrow(/name/);
    expect(() => configFrom({ proxy: { servers: [{ ...server, name: 'a' }] } })).not.toThrow();
  });

  it('a tool may have one, and is found by its table, never by cutting', async () => {
    const name = 'rec:b:c';
    expect(await attempt(modernHeaders('tools/call', { name }), { name, arguments: {} })).toMatchObject({
      status: 200,
      deeds: ['tools/call b:c'],
    });
    for (const cut of ['rec:b', 'b:c', 'rec', 'rec:b:', 'rec::b:c', 'rec:b:c:d']) {
      expect(await attempt(modernHeaders('tools/call', { name: cut }), { name: cut, arguments: {} })).toMatchObject({
        status: 200,
        code: -32602,
        deeds: [],
      });
    }
  });
});

describe('T089: names without a separator, or with nothing around it', () => {
  it.each(['read', '', ':', 'rec:', ':read', '::', 'rec', ' ', 'rec:read:', 'rec :read'])(
    'name nothing: %j',
    async (name) => {
      const headers = { ...HEADERS, 'mcp-name': `=?base64?${Buffer.from(name).toString('base64')}?=` };
      const modern = await attempt(headers, { name, arguments: {} });
      expect(modern).toMatchObject({ status: 200, code: -32602, deeds: [] });
      const legacy = await session.request('tools/call', { name, arguments: {} });
      expect(legacy.error?.code).toBe(-32602);
      expect(guarded.deeds()).toEqual([]);
      expect(await attempt(HEADERS)).toMatchObject(THROUGH);
    },
  );
});

describe('T091: another spelling of what is hidden, or of what is not', () => {
  it.each([
    'rec:delete',
    'rec:Delete',
    'rec__delete',
    'delete',
    'REC:read',
    'rec:READ',
    `rec:${ACCENTED.normalize('NFD')}`,
    'rec:Execute',
  ])('%s names nothing, in the same words', async (name) => {
    const { error } = await session.request('tools/call', { name, arguments: {} });
    expect(error).toMatchObject({ code: -32602, message: `Unknown tool: ${name}` });
    const hidden = await session.request('tools/call', { name: 'rec:nowhere', arguments: {} });
    const strip = (data: Record<string, unknown> = {}) => ({ ...data, requestId: '' });
    expect(strip(error?.data)).toEqual(strip(hidden.error?.data));
    expect(guarded.deeds()).toEqual([]);
  });

  it('is reached by its own spelling', async () => {
    await session.request('tools/call', { name: `rec:${ACCENTED}`, arguments: {} });
    expect(guarded.deeds()).toEqual([`tools/call ${ACCENTED}`]);
  });
});
