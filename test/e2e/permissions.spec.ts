import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caller, type Era, voice } from '../support/callers.js';
import { listedFor, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { http } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { Cleanup } from '../support/wait.js';

const nobody = caller('nobody');
const stranger = caller('stranger', { groups: ['Sales'], roles: ['User'] });
const user = caller('user', { groups: ['User'] });
const admin = caller('admin', { groups: ['Admin'] });
const holder = caller('holder', { groups: ['User'], scope: 'n8n.read' });
const full = caller('full', { scope: 'n8n.read n8n.write' });

const AUTH = {
  claims: ['groups', 'scope'],
  mappings: {
    'groups:User': ['user'],
    'groups:Admin': ['admin', 'user'],
    'scope:n8n.read': ['read'],
    'scope:n8n.write': ['write'],
  },
  permissions: {
    '*/n8n:*': ['user'],
    'n8n:delete': ['admin'],
    'n8n:Exécute': ['user'],
    'n8n:run': ['write'],
  },
  deny: ['*:drop_database'],
};

const OFFER = {
  tools: ['read', 'delete', 'drop_database', 'run', 'Exécute'],
  resources: ['memo://open'],
  templates: ['memo://notes/{id}'],
};

const cleanup = new Cleanup();
const ERAS: readonly Era[] = ['legacy', 'modern'];
let upstream: RecordingUpstream;
let gateway: SpawnedGateway;
let closed: SpawnedGateway;
let asking: SpawnedGateway;

beforeAll(async () => {
  upstream = cleanup.add(await RecordingUpstream.start(OFFER));
  const servers = [{ name: 'n8n', type: 'streamable-http', connection: { url: upstream.url } }];
  const api_keys = [nobody, stranger, user, admin, holder, full].map(({ entry }) => entry);
  gateway = cleanup.add(await spawnGateway({ servers, sections: { auth: AUTH, api_keys } }));
  // Nobody comes with a token here: that there is an identity provider is what makes a step-up possible.
  const oauth = { enabled: true, provider: 'oidc', authorization_servers: ['http://127.0.0.1:1'], audience: ['x'] };
  const run = { scopes: ['read', 'write'], mode: 'all', on_deny: 'challenge' };
  const auth = { ...AUTH, permissions: { ...AUTH.permissions, 'n8n:run': run } };
  asking = cleanup.add(await spawnGateway({ servers, sections: { auth, api_keys, oauth } }));
  closed = cleanup.add(await spawnGateway({ servers, sections: { api_keys } }));
  for (const one of [gateway, asking]) await listedFor(user.headers, one, 'n8n');
}, 60_000);
afterAll(() => cleanup.close());

const call = (name: string) => ['tools/call', { name, arguments: {} }] as const;

describe.each(ERAS)('in the %s era', (era) => {
  const at = (who: typeof user, where = gateway, endpoint?: string) => voice(era, where.mcp(endpoint), who);

  it('T102: somebody without scopes sees nothing and gets nothing', async () => {
    for (const who of [nobody, stranger]) {
      const { ask, names } = await at(who);
      for (const list of ['tools', 'prompts', 'resources', 'resources/templates'] as const)
        expect(await names(list)).toEqual([]);
      upstream.journal.forget();
      expect((await ask(...call('n8n:read'))).error).toMatchObject({ code: -32602, message: 'Unknown tool: n8n:read' });
      expect((await ask('prompts/get', { name: 'n8n:greet' })).error).toMatchObject({ code: -32602 });
      expect((await ask('resources/read', { uri: 'n8n+memo://open' })).error?.message).toMatch(/not found/);
      expect(upstream.journal.deeds).toEqual([]);
    }
    const twin = await at(user);
    expect(await twin.names('tools')).toContain('n8n:read');
    upstream.journal.forget();
    expect((await twin.ask(...call('n8n:read'))).result).toBeDefined();
    expect(upstream.journal.deeds).toEqual(['tools/call read']);
  });

  it('T102: without permissions nobody sees anything', async () => {
    const { ask, names } = await at(admin, closed);
    expect(await names('tools')).toEqual([]);
    upstream.journal.forget();
    expect((await ask(...call('n8n:read'))).error).toMatchObject({ code: -32602 });
    expect(upstream.journal.deeds).toEqual([]);
  });

  it('T103: a rule that is stricter than the wildcard holds against its holder', async () => {
    const { ask, names } = await at(user);
    expect(await names('tools')).not.toContain('n8n:delete');
    upstream.journal.forget();
    expect((await ask(...call('n8n:delete'))).error).toMatchObject({
      code: -32602,
      message: 'Unknown tool: n8n:delete',
    });
    expect(upstream.journal.deeds).toEqual([]);
    const twin = await at(admin);
    expect(await twin.names('tools')).toContain('n8n:delete');
    expect((await twin.ask(...call('n8n:delete'))).result).toBeDefined();
    expect(upstream.journal.deeds).toEqual(['tools/call delete']);
  });

  it('T104: what is denied is nobody’s, whatever else allows it', async () => {
    for (const who of [user, admin]) {
      const { ask, names } = await at(who);
      expect(await names('tools')).not.toContain('n8n:drop_database');
      upstream.journal.forget();
      for (const name of ['n8n:drop_database', 'drop_database'])
        expect((await ask(...call(name))).error).toMatchObject({ code: -32602 });
      expect(upstream.journal.deeds).toEqual([]);
      expect((await ask(...call('n8n:read'))).result).toBeDefined();
    }
  });

  it('T091: another case, form or alias of a name is another name', async () => {
    const { ask } = await at(user);
    upstream.journal.forget();
    const aliases = ['n8n:exécute', 'n8n:Exe\u0301cute', 'N8N:Exécute', 'n8n:Exécute ', 'n8n__delete', 'n8n:Delete'];
    for (const name of aliases) expect((await ask(...call(name))).error).toMatchObject({ code: -32602 });
    expect(upstream.journal.deeds).toEqual([]);
    expect((await ask(...call('n8n:Exécute'))).result).toBeDefined();
    expect(upstream.journal.deeds).toEqual(['tools/call Exécute']);
  });

  it('T108: a URI that strays is not found here, however it is asked for', async () => {
    const straying = [
      'memo://notes/../secret',
      'memo://notes/%2e%2e/secret',
      'memo://notes\\secret',
      'memo://u:p@notes/1',
    ];
    for (const endpoint of [undefined, 'n8n']) {
      const { ask } = await at(user, gateway, endpoint);
      const prefix = endpoint === undefined ? 'n8n+' : '';
      upstream.journal.forget();
      for (const uri of straying) {
        const { error } = await ask('resources/read', { uri: prefix + uri });
        expect(error?.message).toBe(`Resource not found: ${prefix}${uri}`);
      }
      if (endpoint === undefined)
        for (const uri of ['file:///a/../b', 'http://169.254.169.254/', 'memo://elsewhere'])
          expect((await ask('resources/read', { uri })).error?.message).toBe(`Resource not found: ${uri}`);
      expect(upstream.journal.deeds).toEqual([]);
      expect((await ask('resources/read', { uri: `${prefix}memo://notes/1` })).result).toBeDefined();
      expect(upstream.journal.deeds).toEqual(['resources/read memo://notes/1']);
    }
  });

  it('T110: what depends on who asks is nobody else’s to keep', async () => {
    const { ask } = await at(user);
    for (const list of ['tools', 'prompts', 'resources', 'resources/templates']) {
      const { result, headers } = await ask(`${list}/list`);
      if (era === 'modern') {
        expect(result?.['cacheScope']).toBe('private');
        expect(result?.['ttlMs']).toBeLessThanOrEqual(60_000);
      }
      expect(headers['cache-control']).toMatch(/no-store/);
    }
    const { headers } = await ask(...call('n8n:read'));
    expect(headers['cache-control']).toMatch(/no-store|no-cache/);
  });

  it('T111: a step-up names all scopes, for what is listed only', async () => {
    const { ask, names } = await at(user, asking);
    expect(await names('tools')).toContain('n8n:run');
    upstream.journal.forget();
    const { status, headers, text } = await ask(...call('n8n:run'));
    expect(status).toBe(403);
    expect(headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
    expect(headers['www-authenticate']).toContain('scope="n8n.read n8n.write"');
    expect(headers['www-authenticate']).toContain('resource_metadata="');
    expect(text).toContain('insufficient_scope');
    // Whoever has a part of it is told all of it: a new token may replace the old one.
    const partly = await (await at(holder, asking)).ask(...call('n8n:run'));
    expect(partly.headers['www-authenticate']).toContain('scope="n8n.read n8n.write"');
    expect(upstream.journal.deeds).toEqual([]);
    expect((await (await at(full, asking)).ask(...call('n8n:run'))).result).toBeDefined();
    expect(upstream.journal.deeds).toEqual(['tools/call run']);
    // What is hidden is no reason to ask for anything.
    const hidden = await ask(...call('n8n:delete'));
    expect([hidden.status, hidden.headers['www-authenticate']]).toEqual([200, undefined]);
  });
});

it('T101: what an endpoint of one server lists is what it answers', async () => {
  const { ask, names } = await voice('legacy', gateway.mcp('n8n'), user);
  expect((await names('tools')).sort()).toEqual(['Exécute', 'read']);
  upstream.journal.forget();
  expect((await ask(...call('delete'))).error?.message).toBe('Unknown tool: delete');
  expect(upstream.journal.deeds).toEqual([]);
});

it('T102: whoever may know nothing of a server finds no endpoint of it', async () => {
  const initialize = (name: string, headers: Record<string, string>) =>
    http(gateway.mcp(name), {
      headers,
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
      }),
    });
  const hidden = await initialize('n8n', stranger.headers);
  const absent = await initialize('nothing', stranger.headers);
  expect(hidden.status).toBe(404);
  const plain = (text: string) => text.replace(/"requestId":"[^"]*"/, '');
  expect([hidden.status, plain(hidden.text)]).toEqual([absent.status, plain(absent.text)]);
  expect((await initialize('n8n', user.headers)).status).toBe(200);
});
