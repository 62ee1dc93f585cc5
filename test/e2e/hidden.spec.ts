import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Caller, caller, type Era, voice } from '../support/callers.js';
import { listedFor, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { freePort } from '../support/processes.js';
import { http, RawSession } from '../support/raw.js';
import { type Arrival, RecordingUpstream } from '../support/recording-upstream.js';
import { listen, listenModern } from '../support/stream.js';
import { Cleanup, until } from '../support/wait.js';

const user = caller('user', { groups: ['User'] });
const admin = caller('admin', { groups: ['Admin'] });

const AUTH = {
  claims: ['groups'],
  mappings: { 'groups:User': ['user'], 'groups:Admin': ['user', 'admin'] },
  permissions: {
    '*/n8n:*': ['user'],
    'n8n:delete': ['admin'],
    'prompts/n8n:secret_prompt': ['admin'],
    'resources/n8n:memo://secret*': ['admin'],
    'resources/n8n:memo://vault/*': ['admin'],
    '*/vault:*': ['admin'],
    '*/dead:*': ['admin'],
  },
};

const LINKS = ['memo://open', 'memo://secret', 'memo://elsewhere'];
const ERAS: readonly Era[] = ['legacy', 'modern'];

const cleanup = new Cleanup();
let n8n: RecordingUpstream;
let vault: RecordingUpstream;
let gateway: SpawnedGateway;
let config: Parameters<typeof spawnGateway>[0];

/** The tool `read` answers with links; whatever else is asked is answered as usual. */
function links({ rpc }: Arrival, response: ServerResponse) {
  if (rpc.method !== 'tools/call' || rpc.params?.['name'] !== 'read') return false;
  const content = LINKS.map((uri) => ({ type: 'resource_link', uri, name: uri.slice(7) }));
  const result = { content, resultType: 'complete' };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: rpc.id, result }));
  return true;
}

beforeAll(async () => {
  n8n = cleanup.add(
    await RecordingUpstream.start({
      tools: ['read', 'write', 'delete', 'wait'],
      templates: ['memo://notes/{id}', 'memo://vault/{id}'],
      instructions: 'Use write with care.',
      intercept: links,
    }),
  );
  vault = cleanup.add(await RecordingUpstream.start({ instructions: 'Open sesame.' }));
  const dead = `http://127.0.0.1:${await freePort()}/mcp`;
  const server = (name: string, url: string) => ({ name, type: 'streamable-http', connection: { url } });
  config = {
    servers: [server('n8n', n8n.url), server('vault', vault.url), server('dead', dead)],
    sections: { auth: AUTH, api_keys: [user.entry, admin.entry] },
  };
  gateway = cleanup.add(await spawnGateway(config));
  await listedFor(admin.headers, gateway, 'n8n', 'vault');
}, 60_000);
afterAll(() => cleanup.close());
beforeEach(() => {
  n8n.journal.forget();
  vault.journal.forget();
});

const at = (era: Era, who: Caller, endpoint?: string) => voice(era, gateway.mcp(endpoint), who);
const argument = { name: 'id', value: '' };
const session = (who: Caller) => RawSession.open(gateway.mcp(), { headers: who.headers });

/** What was said, without what differs from one answer to the next. */
const plain = (text: string, ...names: string[]) =>
  names
    .reduce((told, name) => told.replaceAll(name, '?'), text)
    .replace(/"request_?[iI]d":"[^"]*"/, '')
    .replace(/"id":\d+/, '');

describe.each(ERAS)('T107: in the %s era, what is hidden', (era) => {
  it('has no completions, whether it is a prompt, a template or a resource', async () => {
    const refs = [
      { type: 'ref/prompt', name: 'n8n:secret_prompt' },
      { type: 'ref/resource', uri: 'n8n+memo://vault/{id}' },
      { type: 'ref/resource', uri: 'n8n+memo://secret' },
      { type: 'ref/prompt', name: 'vault:greet' },
    ];
    const { ask } = await at(era, user);
    for (const ref of refs)
      expect((await ask('completion/complete', { ref, argument })).result?.['completion']).toEqual({ values: [] });
    expect([...n8n.journal.deeds, ...vault.journal.deeds]).toEqual([]);
    const twin = await at(era, admin);
    for (const ref of refs)
      expect((await twin.ask('completion/complete', { ref, argument })).result?.['completion']).toMatchObject({
        total: 2,
      });
    const open = await ask('completion/complete', { ref: { type: 'ref/prompt', name: 'n8n:greet' }, argument });
    expect(open.result?.['completion']).toMatchObject({ values: ['one', 'two'] });
  });

  it('cannot be read by the expansion of a template', async () => {
    const { ask, names } = await at(era, user);
    expect(await names('resources/templates')).toEqual(['n8n+memo://notes/{id}']);
    const hidden = await ask('resources/read', { uri: 'n8n+memo://vault/1' });
    const unknown = await ask('resources/read', { uri: 'nowhere+memo://x/1' });
    expect(plain(hidden.text, 'n8n+memo://vault/1')).toBe(plain(unknown.text, 'nowhere+memo://x/1'));
    for (const uri of ['n8n+memo://%76ault/1', 'n8n+MEMO://vault/1', 'memo://vault/1'])
      expect((await ask('resources/read', { uri })).error).toBeDefined();
    expect(n8n.journal.deeds).toEqual([]);
    expect((await ask('resources/read', { uri: 'n8n+memo://notes/1' })).result).toBeDefined();
    expect((await (await at(era, admin)).ask('resources/read', { uri: 'n8n+memo://vault/1' })).result).toBeDefined();
  });

  it('is not linked to by results', async () => {
    for (const endpoint of [undefined, 'n8n']) {
      const linked = async (who: Caller) => {
        const { ask } = await at(era, who, endpoint);
        const { result } = await ask('tools/call', {
          name: endpoint === undefined ? 'n8n:read' : 'read',
          arguments: {},
        });
        return ((result?.['content'] ?? []) as { name: string }[]).map(({ name }) => name);
      };
      expect(await linked(user)).toEqual(['open', 'elsewhere']);
      expect(await linked(admin)).toEqual(['open', 'secret', 'elsewhere']);
    }
  });
});

describe('T107: updates of what is hidden', () => {
  it('cannot be subscribed to, in a session or on a listen stream', async () => {
    const legacy = await session(user);
    const refused = await legacy.request('resources/subscribe', { uri: 'n8n+memo://secret' });
    const unknown = await legacy.request('resources/subscribe', { uri: 'nowhere+memo://x' });
    expect(plain(refused.response, 'n8n+memo://secret')).toBe(plain(unknown.response, 'nowhere+memo://x'));
    expect(n8n.journal.deeds).toEqual([]);
    const wish = { resourceSubscriptions: ['n8n+memo://secret', 'n8n+memo://open'] };
    const { messages } = await listenModern(gateway.mcp(), wish, user.headers, cleanup);
    const acknowledged = await messages.first('the acknowledgement');
    expect(acknowledged.params?.['notifications']).toMatchObject({ resourceSubscriptions: ['n8n+memo://open'] });
    expect(n8n.journal.deeds.filter((deed) => deed.includes('secret'))).toEqual([]);
  });

  it('are not delivered once it is hidden, though they were asked for before', async () => {
    const [watching, witness] = [await session(admin), await session(user)];
    const streams = [await listen(watching, cleanup), await listen(witness, cleanup)] as const;
    await watching.request('resources/subscribe', { uri: 'n8n+memo://secret' });
    for (const one of [watching, witness]) await one.request('resources/subscribe', { uri: 'n8n+memo://open' });
    const updates = ([stream]: typeof streams | [(typeof streams)[1]]) =>
      stream.messages.items
        .filter(({ method }) => method === 'notifications/resources/updated')
        .map(({ params }) => params?.['uri']);
    n8n.updated('memo://secret');
    await until('the update is told', () => updates(streams).length === 1);
    const { mappings } = AUTH;
    gateway.rewrite({
      ...config,
      sections: { ...config.sections, auth: { ...AUTH, mappings: { ...mappings, 'groups:Admin': ['user'] } } },
    });
    await until('the permission is gone', async () => {
      const { error } = await watching.request('resources/read', { uri: 'n8n+memo://secret' });
      return error !== undefined;
    });
    n8n.updated('memo://secret');
    n8n.updated('memo://open');
    await until('the later update is told', () => updates([streams[1]]).length === 1);
    await until('and told to the other', () => updates(streams).length === 2);
    expect(updates(streams)).toEqual(['n8n+memo://secret', 'n8n+memo://open']);
    gateway.rewrite(config);
    await listedFor(admin.headers, gateway, 'vault');
  });
});

describe('T112: the name of a hidden server', () => {
  it('is in no instructions, and no text of a visible one that names hidden tools is', async () => {
    const instructions = async (who: Caller) => String((await session(who)).initialized['instructions'] ?? '');
    expect(await instructions(admin)).toMatch(/## n8n\n\nUse write[\s\S]*## vault\n\nOpen sesame/);
    const told = await instructions(user);
    expect(told).toContain('## n8n');
    expect(told).not.toMatch(/vault|sesame|dead/);
    const discovered = await (await at('modern', user)).ask('server/discover');
    expect(discovered.text).toContain('## n8n');
    expect(discovered.text).not.toMatch(/vault|sesame|dead/);
  });

  it.each(ERAS)('is in no error text, up or down: %s', async (era) => {
    const { ask } = await at(era, user);
    const unknown = plain((await ask('tools/call', { name: 'nobody:x', arguments: {} })).text, 'nobody');
    for (const server of ['vault', 'dead']) {
      const { text } = await ask('tools/call', { name: `${server}:x`, arguments: {} });
      expect(plain(text, server)).toBe(unknown);
    }
    const told = await (await at(era, admin)).ask('tools/call', { name: 'dead:x', arguments: {} });
    expect(told.error?.message).toMatch(/dead/);
    expect(vault.journal.deeds).toEqual([]);
  });

  it('leads to no endpoint', async () => {
    for (const name of ['vault', 'dead', 'nothing']) {
      const { status, text } = await http(gateway.mcp(name), { headers: user.headers, body: '{}' });
      expect([status, plain(text, name)]).toEqual([404, expect.stringContaining('There is no server or toolset')]);
    }
    expect(
      (await (await at('legacy', user, 'n8n')).ask('tools/call', { name: 'write', arguments: {} })).result,
    ).toBeDefined();
  });

  it('labels no metric of those who guess it', async () => {
    const { ask } = await at('legacy', user);
    for (const name of ['n8n:delete', 'vault:read', 'dead:read', 'n8n:guess'])
      await ask('tools/call', { name, arguments: {} });
    const { text } = await http(`${gateway.url}/metrics`, { method: 'GET' });
    const series = text.split('\n').filter((line) => line.startsWith('mcp_gateway_tools_called'));
    expect(series.join('\n')).toContain('tool="other"');
    expect(series.filter((line) => /tool="(?:delete|guess)"|proxy="(?:vault|dead)",?.*tool="read"/.test(line))).toEqual(
      [],
    );
  });

  it('is not what a change of its lists is told by', async () => {
    const sessions = [await session(admin), await session(user)] as const;
    for (const one of sessions) await one.request('tools/list');
    const streams = await Promise.all(sessions.map((one) => listen(one, cleanup)));
    const changes = (stream: (typeof streams)[number]) =>
      stream.messages.count(({ method }) => method === 'notifications/tools/list_changed');
    const renamed = { ...AUTH, deny: ['vault:write'] };
    gateway.rewrite({ ...config, sections: { ...config.sections, auth: renamed } });
    await until('who saw it is told', () => changes(streams[0]!) === 1);
    await sessions[1].request('tools/list');
    expect(changes(streams[1]!)).toBe(0);
    gateway.rewrite(config);
    await until('who sees it again is told', () => changes(streams[0]!) === 2);
    expect(changes(streams[1]!)).toBe(0);
  });
});

describe('T043: a session outlives a permission that is taken away', () => {
  it('is told of it, and each of its requests is decided anew', async () => {
    const holder = await session(admin);
    const stream = await listen(holder, cleanup);
    const modern = await listenModern(gateway.mcp(), { toolsListChanged: true }, admin.headers, cleanup);
    await modern.messages.first('the acknowledgement');
    expect((await holder.request('tools/list')).response).toContain('n8n:delete');
    const call = () => holder.request('tools/call', { name: 'n8n:delete', arguments: {} });
    expect((await call()).result).toBeDefined();
    const waiting = holder.request('tools/call', { name: 'n8n:wait', arguments: { label: 'taken' } });
    await until('the call is at the upstream', () => n8n.waits('taken'));
    n8n.journal.forget();

    gateway.rewrite({ ...config, sections: { ...config.sections, auth: { ...AUTH, mappings: {} } } });
    for (const { messages } of [stream, modern])
      await messages.first('the change', ({ method }) => method === 'notifications/tools/list_changed');
    expect((await call()).error).toMatchObject({ code: -32602, message: 'Unknown tool: n8n:delete' });
    expect((await holder.request('tools/list')).result?.['tools']).toEqual([]);
    // What was asked for while it was allowed is not handed over any more.
    n8n.release('taken');
    expect((await waiting).error).toMatchObject({ code: -32602, message: 'Unknown tool: n8n:wait' });
    expect(n8n.journal.deeds).toEqual([]);

    gateway.rewrite(config);
    await until('the permission is back', async () => (await call()).result !== undefined);
  });
});
