import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, listed, spawnGateway } from '../support/gateway.js';
import { http as post, type RawReply, RawSession } from '../support/raw.js';
import { http, RICH, startRich, stdio } from '../support/upstreams.js';
import { Cleanup } from '../support/wait.js';

const MIB = 1024 * 1024;
const cleanup = new Cleanup();
let gateway: Gateway;
let direct: RawSession;
const through = new Map<string, RawSession>();

/** Where the same thing can be had: an endpoint, and the prefix its names and URIs carry. */
const ROUTES = [
  { label: '/mcp/web', name: 'web', prefix: undefined },
  { label: '/mcp/local', name: 'local', prefix: undefined },
  { label: '/mcp, web', name: undefined, prefix: 'web' },
  { label: '/mcp, local', name: undefined, prefix: 'local' },
] as const;

beforeAll(async () => {
  const rich = cleanup.add(await startRich());
  gateway = cleanup.add(await spawnGateway({ servers: [http('web', rich.url), stdio('local', RICH)] }));
  await listed(gateway, 'web', 'local');
  direct = cleanup.add(await RawSession.open(rich.url));
  for (const { label, name } of ROUTES) through.set(label, cleanup.add(await RawSession.open(gateway.mcp(name))));
});
afterAll(() => cleanup.close());

/** Undoes what an aggregate does to names and URIs, in the raw text. */
function unspelled(raw: string, prefix: string | undefined): string {
  if (prefix === undefined) return raw;
  return raw.replaceAll(`"${prefix}:`, '"').replaceAll(`ui://${prefix}+`, 'ui://').replaceAll(`"${prefix}+`, '"');
}

/** The text of a member of an object whose text is known, found without parsing numbers. */
function memberText(json: string, key: string): string {
  const start = json.indexOf(`"${key}":`) + key.length + 3;
  let depth = 0;
  let quoted = false;
  for (let at = start; at < json.length; at++) {
    const char = json[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    if (depth < 0 || (depth === 0 && !quoted && char === ',')) return json.slice(start, at);
    if (depth === 0 && !quoted && (char === '}' || char === ']')) return json.slice(start, at + 1);
  }
  return json.slice(start);
}

const payload = (reply: RawReply): string => memberText(reply.response, reply.error ? 'error' : 'result');

/** Numbers as text, so that nothing is lost in the comparison, and no order of members is asked for. */
function exact(json: string): unknown {
  const source = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? `number ${context?.source}` : value;
  return JSON.parse(json, source as (key: string, value: unknown) => unknown);
}

async function everyPage(session: RawSession, method: string, key: string): Promise<string[]> {
  const items: string[] = [];
  let cursor: unknown;
  do {
    const reply = await session.request(method, cursor === undefined ? {} : { cursor });
    const list = memberText(payload(reply), key);
    items.push(...split(list));
    cursor = reply.result?.['nextCursor'];
  } while (cursor !== undefined);
  return items;
}

/** The texts of the elements of an array of objects. */
function split(list: string): string[] {
  const items: string[] = [];
  let rest = list.slice(1, -1);
  while (rest !== '') {
    const text = memberText(`{"x":${rest}`, 'x');
    items.push(text);
    rest = rest.slice(text.length + 1);
  }
  return items;
}

describe.each(ROUTES)('what arrives through $label is what the server wrote', ({ label, prefix }) => {
  const session = () => through.get(label) as RawSession;
  const name = (own: string) => (prefix === undefined ? own : `${prefix}:${own}`);
  const uri = (own: string) => {
    if (prefix === undefined) return own;
    return own.startsWith('ui://') ? `ui://${prefix}+${own.slice(5)}` : `${prefix}+${own}`;
  };

  it.each([
    ['tools/list', 'tools', 'name'],
    ['prompts/list', 'prompts', 'name'],
    ['resources/list', 'resources', 'uri'],
    ['resources/templates/list', 'resourceTemplates', 'uriTemplate'],
  ])('%s', async (method, key, identity) => {
    const expected = await everyPage(direct, method, key);
    const all = await everyPage(session(), method, key);
    const mine = all.filter((item) => {
      const id = memberText(item, identity);
      return prefix === undefined || id.startsWith(`"${prefix}`) || id.startsWith(`"ui://${prefix}+`);
    });
    const restored = mine.map((item) => unspelled(item, prefix));
    expect(expected.length).toBeGreaterThan(2);
    expect(restored.map(exact)).toEqual(expected.map(exact));
  });

  it.each([
    ['tools/call', { name: 'ornate', arguments: {} }],
    ['tools/call', { name: 'fail', arguments: {} }],
    ['tools/call', { name: 'needs_url', arguments: {} }],
    ['prompts/get', { name: 'greet', arguments: { who: 'Ada' } }],
    ['prompts/get', { name: 'pack' }],
    ['resources/read', { uri: 'memo://notes/1' }],
    ['resources/read', { uri: 'ui://app/main' }],
    ['resources/read', { uri: 'memo://binary' }],
    ['resources/read', { uri: 'memo://nowhere' }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: 'A' } }],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'memo://notes/{id}' }, argument: { name: 'id', value: '1' } },
    ],
  ])('%s %j', async (method, params) => {
    const expected = await direct.request(method, params);
    const spelled = JSON.parse(JSON.stringify(params), (key, value) => {
      if (typeof value !== 'string') return value;
      if (key === 'name' && value !== 'who' && value !== 'id') return name(value);
      return key === 'uri' ? uri(value) : value;
    }) as object;
    const got = await session().request(method, spelled);
    expect(exact(unspelled(payload(got), prefix))).toEqual(exact(payload(expected)));
  });

  it('numbers no double can hold, in results and in arguments', async () => {
    const result = payload(await session().request('tools/call', { name: name('ornate') }));
    for (const number of ['9007199254740993', '-123456789012345678901234567890', '1E+400']) {
      expect(result).toContain(number);
    }
    expect(result).toBe(
      prefix === undefined ? payload(await direct.request('tools/call', { name: 'ornate' })) : result,
    );
  });

  it('bytes of a result that needs no change', async () => {
    const expected = await direct.request('tools/call', {
      name: 'echo',
      arguments: { message: '\u2028 \u{1F600} \\u0000' },
    });
    const got = await session().request('tools/call', {
      name: name('echo'),
      arguments: { message: '\u2028 \u{1F600} \\u0000' },
    });
    expect(payload(got)).toBe(payload(expected));
  });

  it('results of 20 MB', async () => {
    const bytes = 20 * MIB;
    const call = await session().request('tools/call', { name: name('fat'), arguments: { bytes } });
    expect(call.response.length).toBeGreaterThan(bytes);
    expect(call.result).toEqual({ content: [{ type: 'text', text: 'x'.repeat(bytes) }] });
  });

  it('resources of 5 MB', async () => {
    const own = `memo://large/${5 * MIB}`;
    const read = await session().request('resources/read', { uri: uri(own) });
    expect(read.result).toMatchObject({ contents: [{ uri: uri(own), text: 'y'.repeat(5 * MIB) }] });
  });
});

describe.each(ROUTES)('request bodies at $label', ({ label, prefix }) => {
  const body = (size: number) => {
    const name = prefix === undefined ? 'echo' : `${prefix}:echo`;
    const head = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"${name}","arguments":{"message":"`;
    const tail = '"}}}';
    return head + 'z'.repeat(size - head.length - tail.length) + tail;
  };

  it('arrive whole up to the limit of 4 MiB', async () => {
    const session = through.get(label) as RawSession;
    const answer = await session.post(body(4 * MIB));
    expect(answer.status).toBe(200);
    const last = JSON.parse(answer.messages.at(-1) ?? '') as { result: { content: { text: string }[] } };
    const length = last.result.content[0]?.text.length ?? 0;
    expect(length).toBeGreaterThan(4 * MIB - 200);
  });

  it('are refused with 413 above it', async () => {
    const session = through.get(label) as RawSession;
    const refused = await post(session.url, { headers: session.headers, body: body(4 * MIB + 1), keep: true });
    expect(refused.status).toBe(413);
  });
});
