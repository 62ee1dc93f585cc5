import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { TestClient } from '../testing/client.js';
import { result } from '../testing/fake-proxy.js';
import { TestGateway } from '../testing/gateway.js';
import { type Call, raw, send } from '../testing/http.js';
import { MODERN, ModernClient } from '../testing/modern-client.js';

const PREFIX = 'io.modelcontextprotocol/';
let gateway: TestGateway;
let client: ModernClient;

beforeAll(async () => {
  gateway = await TestGateway.start();
  gateway.proxy.handlers.set('tools/list', () => result({ tools: [] }));
  gateway.proxy.handlers.set('tools/call', () => result({ content: [] }));
  gateway.proxy.handlers.set('resources/read', () => result({ contents: [] }));
  client = new ModernClient(gateway.url);
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.proxy.handled.splice(0);
  gateway.proxy.declared.clear();
});

async function refused(call: Call, status: number, code: number, name: string) {
  const answer = await send(gateway.url, call);
  expect(answer.json.error, answer.text).toMatchObject({ code, data: { code: name } });
  expect(answer.status).toBe(status);
  expect(gateway.proxy.handled).toEqual([]);
  return answer;
}

/** The call with its `_meta` changed. */
function meta(call: Call, changes: Record<string, unknown>): Call {
  const body = structuredClone(call.body) as { params: { _meta: Record<string, unknown> } };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete body.params._meta[PREFIX + key];
    else body.params._meta[PREFIX + key] = value;
  }
  return { ...call, body };
}

describe('the envelope (row 10)', () => {
  it.each(['protocolVersion', 'clientCapabilities'])('needs %s', async (key) => {
    const answer = await refused(
      meta(client.call('tools/list', {}, 'x'), { [key]: undefined }),
      400,
      -32602,
      'META_MISSING',
    );
    expect(answer.json.id).toBe('x');
    expect(answer.json.error.message).toContain(PREFIX + key);
  });

  it.each([{ protocolVersion: 1 }, { clientCapabilities: [] }, { clientCapabilities: 'x' }])(
    'needs the types right: %j',
    async (changes) => {
      await refused(meta(client.call('tools/list'), changes), 400, -32602, 'META_MISSING');
    },
  );

  it('is needed by whatever has a modern header, before its headers are looked at', async () => {
    const call = { headers: { 'mcp-protocol-version': MODERN }, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } };
    await refused(call, 400, -32602, 'META_MISSING');
    await refused({ ...call, headers: { 'mcp-protocol-version': '2030-01-01' } }, 400, -32602, 'META_MISSING');
  });

  it('needs no clientInfo', async () => {
    for (const clientInfo of [undefined, 'x', {}]) {
      expect((await send(gateway.url, meta(client.call('tools/list'), { clientInfo }))).status).toBe(200);
    }
  });
});

describe('the version (rows 11 and 12)', () => {
  it.each([
    { 'mcp-protocol-version': undefined },
    { 'mcp-protocol-version': '2025-11-25' },
    { 'mcp-protocol-version': [MODERN, MODERN] },
  ])('has to be repeated in one header: %j', async (headers) => {
    await refused(client.call('tools/list', {}, 1, headers), 400, -32020, 'HEADER_MISMATCH');
  });

  it('is compared before it is judged', async () => {
    const call = client.with({ version: '2030-01-01' }).call('tools/list', {}, 1, { 'mcp-protocol-version': MODERN });
    await refused(call, 400, -32020, 'HEADER_MISMATCH');
  });

  it('has to be one of those that server/discover names', async () => {
    const call = client.with({ version: '2030-01-01' }).call('nonsense', {}, 'v', { 'mcp-method': undefined });
    const { json } = await refused(call, 400, -32022, 'UNSUPPORTED_MODERN_VERSION');
    expect(json).toMatchObject({ id: 'v', error: { data: { supported: [MODERN], requested: '2030-01-01' } } });
    expect((await client.request('server/discover')).json.result.supportedVersions).toEqual([MODERN]);
  });

  it('counts for a body of an earlier revision with the envelope too', async () => {
    await refused(client.with({ version: '2025-11-25' }).call('tools/list'), 400, -32022, 'UNSUPPORTED_MODERN_VERSION');
  });
});

describe('the method and the name (rows 13 to 15)', () => {
  it.each([undefined, 'tools/call', 'Tools/List', ['tools/list', 'tools/list']])(
    'Mcp-Method must not be %j',
    async (header) => {
      await refused(client.call('tools/list', {}, 1, { 'mcp-method': header }), 400, -32020, 'HEADER_MISMATCH');
    },
  );

  it.each([undefined, 'u', 'T', '=?base64?dQ==?=', '=?base64?!!?=', ['t', 't']])(
    'Mcp-Name must not be %j',
    async (header) => {
      await refused(
        client.call('tools/call', { name: 't' }, 1, { 'mcp-name': header }),
        400,
        -32020,
        'HEADER_MISMATCH',
      );
    },
  );

  it('compares the name decoded', async () => {
    const encoded = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
    for (const name of ['t', 'größe', 'a, a', ' x ', '=?base64?x?=']) {
      const answer = await client.request('tools/call', { name }, 1, { 'mcp-name': encoded(name) });
      expect(answer.status, name).toBe(200);
    }
    const uri = 'file:///a b';
    expect((await client.request('resources/read', { uri })).status).toBe(200);
    gateway.proxy.handled.splice(0);
    await refused(
      client.call('resources/read', { uri }, 1, { 'mcp-name': 'file:///a' }),
      400,
      -32020,
      'HEADER_MISMATCH',
    );
  });

  it('takes two headers that join into a name for what they are', async () => {
    const answer = await client.request('tools/call', { name: 'a, a' }, 1, { 'mcp-name': ['a', 'a'] });
    expect(answer.json.error.data.code).toBe('HEADER_MISMATCH');
    expect((await client.request('tools/call', { name: 'a, a' }, 1)).status).toBe(200);
  });

  it.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'tasks/list',
    'no/such',
    'toString',
  ])('answers 404 to %s', async (method) => {
    const { json } = await refused(client.call(method, {}, 7), 404, -32601, 'METHOD_UNKNOWN');
    expect(json.id).toBe(7);
  });

  it('wants Mcp-Method before it knows the method', async () => {
    await refused(client.call('initialize', {}, 1, { 'mcp-method': undefined }), 400, -32020, 'HEADER_MISMATCH');
  });
});

describe('params (row 16)', () => {
  it.each([
    ['tools/call', { name: 1 }, { 'mcp-name': '1' }],
    ['tools/call', {}, { 'mcp-name': 't' }],
    ['tools/call', { name: 't', arguments: [] }, {}],
    ['tools/call', { name: 't', arguments: null }, {}],
    ['tools/call', { name: 't', inputResponses: [] }, {}],
    ['tools/call', { name: 't', requestState: 1 }, {}],
    ['resources/read', { uri: {} }, { 'mcp-name': 'x' }],
  ])('of %s must not be %j', async (method, params, headers) => {
    await refused(client.call(method, params, 1, headers), 200, -32602, 'INVALID_PARAMS');
  });

  it('must name a log level there is', async () => {
    await refused(meta(client.call('tools/list'), { logLevel: 'loud' }), 200, -32602, 'INVALID_PARAMS');
    await refused(meta(client.call('tools/list'), { logLevel: 1 }), 200, -32602, 'INVALID_PARAMS');
    expect((await send(gateway.url, meta(client.call('tools/list'), { logLevel: 'debug' }))).status).toBe(200);
  });
});

describe('Mcp-Param-* (row 17)', () => {
  beforeEach(() => {
    gateway.proxy.declared.set('region', { name: 'Region', path: ['where', 'region'], type: 'string' });
    gateway.proxy.declared.set('count', { name: 'Count', path: ['count'], type: 'integer' });
  });
  const call = (args: object, headers: Call['headers']) =>
    client.call('tools/call', { name: 't', arguments: args }, 1, headers);

  it.each([
    [{ where: { region: 'eu' } }, {}],
    [{ where: { region: 'eu' } }, { 'mcp-param-region': 'us' }],
    [{ where: { region: 'eu' } }, { 'mcp-param-region': '=?base64?!?=' }],
    [{ where: { region: 'eu, eu' } }, { 'mcp-param-region': ['eu', 'eu'] }],
    [{ count: 2 }, { 'mcp-param-count': '3' }],
  ])('refuses %j with %j', async (args, headers) => {
    await refused(call(args, headers), 400, -32020, 'HEADER_MISMATCH');
  });

  it.each([
    [
      { where: { region: 'eu' }, count: 2 },
      { 'mcp-param-region': 'eu', 'mcp-param-count': '2.0' },
    ],
    [{ where: { region: 'ü' } }, { 'mcp-param-region': '=?base64?w7w=?=' }],
    [{ where: { region: null } }, {}],
    [{}, { 'mcp-param-unknown': 'x' }],
  ])('takes %j with %j', async (args, headers) => {
    expect((await send(gateway.url, call(args, headers))).status).toBe(200);
  });
});

describe('errors of the gateway', () => {
  it('say -32602 for a missing resource, which is -32002 to legacy clients', async () => {
    gateway.proxy.handlers.set('resources/read', () => {
      throw new GatewayError('UNKNOWN_RESOURCE', 'Resource not found: x', { data: { uri: 'x' } });
    });
    const answer = await client.request('resources/read', { uri: 'x' });
    expect(answer.status).toBe(200);
    expect(answer.json.error).toMatchObject({ code: -32602, data: { uri: 'x', code: 'UNKNOWN_RESOURCE' } });
    const legacy = await (await TestClient.open(gateway.url)).request('resources/read', { uri: 'x' });
    expect(legacy.json.error.code).toBe(-32002);
  });

  it('leave out an id they do not know, where legacy clients get null', async () => {
    const call = { headers: { 'mcp-protocol-version': MODERN }, body: '{"jsonrpc":' };
    const modern = await send(gateway.url, call);
    expect(modern.status).toBe(400);
    expect(modern.json).not.toHaveProperty('id');
    expect(modern.json.error.code).toBe(-32700);
    expect((await send(gateway.url, { body: call.body })).json.id).toBeNull();
    const foreign = await send(gateway.url, { ...call, headers: { ...call.headers, host: 'evil.example' } });
    expect(foreign.status).toBe(403);
    expect(foreign.json).not.toHaveProperty('id');
  });

  it('re-derive what a capability error says from what this client lacks', async () => {
    gateway.proxy.handlers.set('tools/call', () => {
      throw new GatewayError('CAPABILITY_REQUIRED', 'More is needed', {
        data: { requiredCapabilities: { elicitation: {}, sampling: { tools: {}, context: {} } } },
      });
    });
    const answer = await client.with({ capabilities: { sampling: { tools: {} } } }).tool();
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: {}, sampling: { context: {} } } },
    });
    const blameless = await client
      .with({ capabilities: { elicitation: {}, sampling: { tools: {}, context: {} } } })
      .tool();
    expect(blameless.status).toBe(200);
    expect(blameless.json.error).toMatchObject({ code: -32603, data: { code: 'UPSTREAM_PROTOCOL' } });
    gateway.proxy.handlers.set('tools/call', () => result({ content: [] }));
  });
});

describe('which era a body belongs to', () => {
  const session = async () => (await TestClient.open(gateway.url)).session;

  it('the body decides, whatever session it names', async () => {
    const answer = await client.request('tools/list', {}, 1, {
      'mcp-session-id': await session(),
      'last-event-id': '5',
    });
    expect(answer.json.result).toMatchObject({ resultType: 'complete' });
    expect(answer.headers['mcp-session-id']).toBeUndefined();
    expect((await client.request('tools/list', {}, 1, { 'mcp-session-id': 'never issued' })).status).toBe(200);
  });

  it('takes modern notifications and drops them', async () => {
    const legacy = gateway.proxy.notifications.length;
    for (const params of [{ _meta: { [`${PREFIX}protocolVersion`]: MODERN } }, undefined]) {
      const body = { jsonrpc: '2.0', method: 'notifications/roots/list_changed', params };
      const answer = await send(gateway.url, { headers: { 'mcp-protocol-version': MODERN }, body });
      expect([answer.status, answer.text]).toEqual([202, '']);
    }
    expect(gateway.proxy.notifications.length).toBe(legacy);
  });

  it('refuses responses and arrays', async () => {
    const headers = { 'mcp-protocol-version': MODERN };
    const response = await send(gateway.url, { headers, body: { jsonrpc: '2.0', id: 1, result: {} } });
    expect([response.status, response.json.error.code]).toEqual([400, -32600]);
    const old = await TestClient.open(gateway.url, { version: '2025-03-26' });
    const element = client.call('tools/list').body;
    for (const batch of [
      await old.send({ body: [element] }),
      await old.send({ body: [{ jsonrpc: '2.0', id: 1, method: 'ping' }], headers }),
      await send(gateway.url, { body: [element] }),
    ]) {
      expect([batch.status, batch.json.error.code]).toEqual([400, -32600]);
    }
  });

  it('answers 405 to GET and DELETE', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await send(gateway.url, {
        method,
        headers: { 'mcp-protocol-version': MODERN, 'mcp-session-id': await session(), accept: 'text/event-stream' },
      });
      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toContain('POST');
    }
  });

  it('still wants a session of whoever has no envelope, and opens one on the same path', async () => {
    expect((await send(gateway.url, { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } })).status).toBe(400);
    expect((await (await TestClient.open(gateway.url)).request('tools/list')).json.result).toEqual({ tools: [] });
  });

  it('lets a session without the envelope be, whatever date it is', async () => {
    const text = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nMCP-Protocol-Version: tomorrow\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    expect(await raw(gateway.url, text)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('known faults of clients', () => {
  const faulty = (name: string) =>
    client.with({ name }).call('tools/list', {}, 1, { 'mcp-protocol-version': '2025-11-25' });

  it('are tolerated and logged once', async () => {
    for (let round = 0; round < 3; round++) expect((await send(gateway.url, faulty('claude-ai'))).status).toBe(200);
    expect(gateway.log.filter(({ fields }) => fields['fault'] === 'version-header-mismatch')).toHaveLength(1);
  });

  it('are refused of others, and where the configuration says so', async () => {
    expect((await send(gateway.url, faulty('someone-else'))).status).toBe(400);
    const { proxyConfig } = gateway;
    const before = proxyConfig.current;
    proxyConfig.replace({
      ...before,
      clients: { 'claude*': { tolerate: [] }, 'some*': { tolerate: ['version-header-mismatch'] } },
    });
    expect((await send(gateway.url, faulty('claude-ai'))).status).toBe(400);
    expect((await send(gateway.url, faulty('someone-else'))).status).toBe(200);
    proxyConfig.replace(before);
  });

  it('never include a missing version header, a wrong method or a wrong name', async () => {
    const connector = client.with({ name: 'claude-ai' });
    for (const headers of [
      { 'mcp-protocol-version': undefined },
      { 'mcp-method': 'tools/list' },
      { 'mcp-name': 'u' },
    ]) {
      const answer = await connector.request('tools/call', { name: 't' }, 1, headers);
      expect(answer.status).toBe(400);
    }
  });
});
