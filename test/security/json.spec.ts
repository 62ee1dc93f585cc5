import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Guarded } from '../support/guarded.js';
import { modernBody, modernHeaders } from '../support/modern.js';
import { http, type RawSession } from '../support/raw.js';
import { Cleanup } from '../support/wait.js';
import { statuses, wire } from '../support/wire.js';

const LIMIT = 256 * 1024;
const cleanup = new Cleanup();
let guarded: Guarded;
let session: RawSession;

beforeAll(async () => {
  guarded = await Guarded.start(cleanup, { server: { limits: { body: '256KiB' } } });
  session = await guarded.session();
});
afterAll(() => cleanup.close());
beforeEach(() => void guarded.deeds());

const PARAMS = { name: 'rec:read', arguments: {} };
const MODERN = modernHeaders('tools/call', PARAMS);
/** Of a modern request, so that members can be put anywhere by hand. */
const META = (JSON.parse(modernBody('tools/call', PARAMS)) as { params: { _meta: object } }).params._meta;
const META_JSON = JSON.stringify(META);

const call = (params: string, head = '"jsonrpc":"2.0","id":1,"method":"tools/call"') =>
  `{${head},"params":{${params}}}`;
const legacy = (params: string, head?: string) => call(params, head);
const modern = (params: string, head?: string) => call(`${params},"_meta":${META_JSON}`, head);

interface Sent {
  readonly status: number;
  readonly code: number;
}

async function post(headers: Record<string, string>, body: string | Buffer): Promise<Sent> {
  const answer = await http(guarded.mcp, { headers, body });
  const { error } = JSON.parse(answer.messages.at(-1) ?? '{}') as { error?: { code: number } };
  return { status: answer.status, code: error?.code ?? 0 };
}

/** In both eras: params by hand, and what arrived. */
async function attempt(params: string, head?: string) {
  const answers = [await post(session.headers, legacy(params, head)), await post(MODERN, modern(params, head))];
  return { answers, deeds: guarded.deeds() };
}

/** The same with any body. */
async function attemptBody(body: string | Buffer) {
  const answers = [await post(session.headers, body), await post(MODERN, body)];
  return { answers, deeds: guarded.deeds() };
}

const GOOD = '"name":"rec:read","arguments":{"a":1}';
const THROUGH = {
  answers: [
    { status: 200, code: 0 },
    { status: 200, code: 0 },
  ],
  deeds: Array(2).fill('tools/call read'),
};
const refused = (code: number, status = 400) => ({ answers: Array(2).fill({ status, code }), deeds: [] });

describe('T060: a member that is there twice', () => {
  it.each([
    ['in the envelope', GOOD, '"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"'],
    ['in params', '"name":"rec:read","name":"rec:delete"', undefined],
    ['in params, once escaped', '"name":"rec:read","n\\u0061me":"rec:delete"', undefined],
    ['in arguments', '"name":"rec:read","arguments":{"path":"a","path":"b"}', undefined],
    ['in arguments, once escaped', '"name":"rec:read","arguments":{"path":"a","p\\u0061th":"b"}', undefined],
    ['deep in arguments', '"name":"rec:read","arguments":{"x":[{"y":{"k":1,"k":2}}]}', undefined],
  ])('%s is refused', async (_where, params, head) => {
    expect(await attempt(params, head)).toEqual(refused(-32700));
    expect(await attempt(GOOD)).toEqual(THROUGH);
  });

  it('in _meta is refused', async () => {
    const twice = `${META_JSON.slice(0, -1)},"a/b":1,"a/b":2}`;
    expect(await post(MODERN, call(`${GOOD},"_meta":${twice}`))).toEqual({ status: 400, code: -32700 });
    expect(await post(session.headers, call(`${GOOD},"_meta":{"progressToken":1,"progressToken":2}`))).toEqual({
      status: 400,
      code: -32700,
    });
    expect(guarded.deeds()).toEqual([]);
    const once = `${META_JSON.slice(0, -1)},"a/b":1,"a/c":2}`;
    expect((await post(MODERN, call(`${GOOD},"_meta":${once}`))).status).toBe(200);
  });
});

describe('T061: a member that only looks like one of the protocol', () => {
  it.each([
    [`${GOOD},"Name":"rec:delete"`],
    [`${GOOD},"NAME":"rec:delete"`],
    [`${GOOD},"name\\u0000":"rec:delete"`],
    [`${GOOD},"\\u0000name":"rec:delete"`],
    [`${GOOD},"Arguments":{}`],
    [`${GOOD},"argument\u017f":{}`],
    [`${GOOD},"\\u005fmeta":{}`],
    [`${GOOD},"_Meta":{}`],
  ])('in params is refused: %s', async (params) => {
    const { answers, deeds } = await attempt(params);
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
    expect(deeds).toEqual([]);
  });

  it.each(['"Method":"tools/list"', '"method\\u0000":"tools/list"', '"PARAMS":{}', '"Id":2', '"m\\u0065thod":"x"'])(
    'in the envelope is refused: %s',
    async (member) => {
      const { answers, deeds } = await attempt(GOOD, `"jsonrpc":"2.0","id":1,"method":"tools/call",${member}`);
      expect(answers.map(({ status }) => status)).toEqual([400, 400]);
      expect(deeds).toEqual([]);
    },
  );

  it('passes untouched where it means nothing to the protocol', async () => {
    const params = '"name":"rec:read","arguments":{"Name":"x","method\\u0000":1,"_Meta":{}},"x-vendor":{"Name":1}';
    const answers = [await post(session.headers, legacy(params)), await post(MODERN, modern(params))];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    for (const { body } of guarded.upstream.journal.work) {
      expect(body).toContain('"arguments":{"Name":"x","method\\u0000":1,"_Meta":{}}');
      expect(body).toContain('"x-vendor":{"Name":1}');
    }
  });
});

describe('T063: what is not UTF-8', () => {
  const [head, tail] = [
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rec:read","arguments":{"a":"',
    '"}}}',
  ];
  const text = call(GOOD);

  it.each([
    ['a lone continuation byte', Buffer.concat([Buffer.from(head), Buffer.of(0x80), Buffer.from(tail)])],
    ['an overlong slash', Buffer.concat([Buffer.from(head), Buffer.of(0xc0, 0xaf), Buffer.from(tail)])],
    ['an overlong nul', Buffer.concat([Buffer.from(head), Buffer.of(0xe0, 0x80, 0x80), Buffer.from(tail)])],
    ['an encoded surrogate', Buffer.concat([Buffer.from(head), Buffer.of(0xed, 0xa0, 0x80), Buffer.from(tail)])],
    [
      'beyond the last code point',
      Buffer.concat([Buffer.from(head), Buffer.of(0xf4, 0x90, 0x80, 0x80), Buffer.from(tail)]),
    ],
    ['a cut character', Buffer.concat([Buffer.from(head), Buffer.of(0xe2, 0x82), Buffer.from(tail)])],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['UTF-16 with its mark', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['a byte order mark', Buffer.from(`\ufeff${text}`)],
  ])('%s is refused', async (_what, body) => {
    expect(await attemptBody(body)).toEqual(refused(-32700));
  });

  it('is not told apart from UTF-8 beyond ASCII', async () => {
    const params = '"name":"rec:read","arguments":{"a":"é € 😀"}';
    expect(await attempt(params)).toEqual(THROUGH);
  });
});

describe('T065: names with what nobody sees or takes for another', () => {
  it.each([
    ['a nul', 'rec:read\\u0000'],
    ['a line break', 'rec:read\\r\\n'],
    ['an escape', '\\u001b[31mrec:read'],
    ['a bidi control', 'rec:\\u202eread'],
    ['no width', 'rec:re\\u200bad'],
    ['a Cyrillic e', 'rec:r\\u0435ad'],
    ['a full-width r', 'rec:\\uff52ead'],
    ['a blank', 'rec:read '],
  ])('%s name nothing', async (_what, name) => {
    const spelled = JSON.parse(`"${name}"`) as string;
    const encoded = `=?base64?${Buffer.from(spelled).toString('base64')}?=`;
    const answers = [
      await post(session.headers, legacy(`"name":"${name}"`)),
      await post({ ...MODERN, 'mcp-name': encoded }, modern(`"name":"${name}"`)),
    ];
    expect(answers).toEqual(Array(2).fill({ status: 200, code: -32602 }));
    expect(guarded.deeds()).toEqual([]);
  });
});

describe('T066: depth', () => {
  const nested = (levels: number) => `"name":"rec:read","arguments":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;

  it('of more than 64 is refused, of 64 is not', async () => {
    // The message, params and arguments are three of them.
    expect(await attempt(nested(62))).toEqual(refused(-32600));
    expect(await attempt(nested(61))).toEqual(THROUGH);
  });

  it('beyond all measure costs nothing', async () => {
    const objects = `"name":"rec:read","arguments":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    expect(await attempt(objects)).toEqual(refused(-32600));
    const started = performance.now();
    const { answers, deeds } = await attemptBody('['.repeat(250_000));
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
    expect(deeds).toEqual([]);
  });
});

describe('T067: size', () => {
  const filled = (size: number, build: (filling: string) => string) => build('x'.repeat(size - build('').length));
  const body = (filling: string) => modern(`"name":"rec:read","arguments":{"a":"${filling}"}`);

  it('over the limit is 413, at the limit is none', async () => {
    expect(await post(MODERN, filled(LIMIT + 1, body))).toMatchObject({ status: 413 });
    expect(
      await post(
        session.headers,
        filled(LIMIT + 1, (it) => legacy(`"name":"rec:read","arguments":{"a":"${it}"}`)),
      ),
    ).toMatchObject({ status: 413 });
    expect(guarded.deeds()).toEqual([]);
    expect(await post(MODERN, filled(LIMIT, body))).toEqual({ status: 200, code: 0 });
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });

  it('that is not announced is counted', async () => {
    const lines = Object.entries({ ...MODERN, 'content-type': 'application/json' }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const head = [
      'POST /mcp HTTP/1.1',
      'host: localhost',
      'connection: close',
      'transfer-encoding: chunked',
      ...lines,
    ].join('\r\n');
    const chunked = (text: string) => {
      const pieces = text.match(/[\s\S]{1,8192}/g) ?? [];
      return `${head}\r\n\r\n${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;
    };
    expect(statuses(await wire(guarded.url, chunked(filled(LIMIT + 1, body))))).toEqual([413]);
    expect(guarded.deeds()).toEqual([]);
    expect(statuses(await wire(guarded.url, chunked(filled(LIMIT, body))))).toEqual([200]);
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });

  it('that is a lie is a broken request', async () => {
    const good = body('');
    const request = (length: number) =>
      [
        'POST /mcp HTTP/1.1',
        'host: localhost',
        'connection: close',
        'content-type: application/json',
        ...Object.entries(MODERN).map(([name, value]) => `${name}: ${value}`),
        `content-length: ${length}`,
        '',
        good,
      ].join('\r\n');
    // Shorter than what comes: a cut message. The rest is no request.
    expect(statuses(await wire(guarded.url, request(good.length - 10)))[0]).toBe(400);
    expect(guarded.deeds()).toEqual([]);
    expect(statuses(await wire(guarded.url, request(good.length)))).toEqual([200]);
  });

  it.each([
    ['keys', `{${Array.from({ length: 100_000 }, (_, n) => `"${n.toString(36)}":1`).join()}}`],
    ['elements', `[${'1,'.repeat(100_000)}1]`],
  ])('of more than 100,000 %s is refused', async (_what, value) => {
    const large = await Guarded.start(cleanup, {});
    const answer = await http(large.mcp, {
      headers: MODERN,
      body: modern(`"name":"rec:read","arguments":{"a":${value}}`),
    });
    expect(answer.status).toBe(400);
    expect(large.deeds()).toEqual([]);
    expect((await large.call()).status).toBe(200);
    expect(large.deeds()).toEqual(['tools/call read']);
  });
});

describe('T070: what is no message', () => {
  it.each([
    ['a batch', `[${call(GOOD)}]`, -32600],
    ['an empty batch', '[]', -32600],
    ['a number', '1', -32600],
    ['a string', '"tools/call"', -32600],
    ['null', 'null', -32600],
    ['two messages', call(GOOD) + call(GOOD), -32700],
    ['two lines', `${call(GOOD)}\n${call(GOOD)}`, -32700],
    ['nothing', '', -32700],
    ['a null id', call(GOOD, '"jsonrpc":"2.0","id":null,"method":"tools/call"'), -32600],
    ['an object for an id', call(GOOD, '"jsonrpc":"2.0","id":{},"method":"tools/call"'), -32600],
    ['another version', call(GOOD, '"jsonrpc":"1.0","id":1,"method":"tools/call"'), -32600],
    ['params in a list', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["rec:read"]}', -32600],
  ])('%s is refused', async (_what, body, code) => {
    expect(await attemptBody(body)).toEqual(refused(code));
    expect(await attempt(GOOD)).toEqual(THROUGH);
  });
});

describe('T072: methods', () => {
  it.each([
    'Tools/call',
    'tools/call ',
    'TOOLS/CALL',
    'rpc.discover',
    'rpc.call',
    'tools/Call',
    '',
    'constructor',
    '__proto__',
  ])('nobody defined are unknown: %j', async (method) => {
    const head = `"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)}`;
    const old = await post(session.headers, legacy(GOOD, head));
    expect(old.code).not.toBe(0);
    const headers = { ...MODERN, 'mcp-method': method };
    const now = await http(guarded.mcp, { headers, body: modern(GOOD, head) });
    // A header cannot say a blank at its end, nor nothing.
    const sayable = method.trim() === method && method !== '';
    expect(now.status).toBe(sayable ? 404 : 400);
    if (sayable) expect(JSON.parse(now.text).error.code).toBe(-32601);
    expect(guarded.deeds()).toEqual([]);
    expect(await attempt(GOOD)).toEqual(THROUGH);
  });
});
