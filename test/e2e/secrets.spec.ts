import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { http, initializeBody } from '../support/raw.js';
import { Recorded, secretsWorld, serve, start, VAULT, visit } from '../support/secrets-world.js';
import { Cleanup, until } from '../support/wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

/** Upstreams whose credential reaches them although they fail: what they gossip about is really the secret. */
const REACHED: Readonly<Record<string, string>> = {
  'a file': '/mcp',
  'a variable': '/mcp',
  bearer: '/mcp',
  'a secret source': '/mcp',
  basic: '/mcp',
  'a plug-in': '/mcp',
  'client credentials': '/token-refuses',
  'client credentials in a form': '/token-fails',
  'its discovery': '/token-refuses',
  introspection: '/introspect',
  'an opaque token': '/introspect',
};

it.each(['json', 'text'] as const)('shows no secret in anything it writes or answers, with %s logs', async (format) => {
  const at = await secretsWorld(cleanup);
  const gateway = await serve(cleanup, at, format);
  await until('every upstream was heard', () =>
    Object.entries(REACHED).every(
      ([place, path]) => path === '/introspect' || at.canaries.isIn(place, at.gossip.told(path)),
    ),
  );
  const answers = await visit(at);
  for (const [place, path] of Object.entries(REACHED)) {
    expect([place, at.canaries.isIn(place, at.gossip.told(path))]).toEqual([place, true]);
  }
  await until('the log tells of calls that failed', () => gateway.text.includes('UPSTREAM'));
  await gateway.close();
  const audit = readFileSync(join(at.folder, 'audit.jsonl'), 'utf8');
  expect(audit).toContain('"object":"basic-works:work"');
  expect(audit).toContain('"name":"token"');
  expect(gateway.text).toContain('[secret]');
  expect(at.canaries.leaks(gateway.text)).toEqual([]);
  expect(at.canaries.leaks(answers)).toEqual([]);
  expect(at.canaries.leaks(audit)).toEqual([]);
});

it('shows no secret of its own where values of arguments are recorded, nor those of a request’s headers', async () => {
  const at = await secretsWorld(cleanup);
  Object.assign(at.settings, { audit: { to: 'stdout', arguments: true } });
  const gateway = await serve(cleanup, at, 'json');
  const own = { authorization: `Bearer ${at.apiKey}` };
  const opened = await http(`http://127.0.0.1:${at.port}/mcp`, { headers: own, body: initializeBody() });
  const session = { ...own, 'mcp-session-id': String(opened.headers['mcp-session-id']) };
  const basic = (at.settings['proxy'] as { servers: { name: string; auth: { password: string } }[] }).servers;
  const password = basic.find(({ name }) => name === 'basic-works')?.auth.password ?? '';
  const call = { name: 'basic-works:work', arguments: { plain: 'to be seen', password, [password]: 1 } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: call });
  await http(`http://127.0.0.1:${at.port}/mcp`, { headers: session, body });
  await until('the audit has it', () => gateway.text.includes('to be seen'));
  await gateway.close();
  expect(at.canaries.leaks(gateway.text)).toEqual([]);
});

it('shows no secret on its command line: help, validate, explain, and files that are wrong', async () => {
  const at = await secretsWorld(cleanup);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const [index, line] of pem.split('\n').entries())
    if (line.length > 40) at.canaries.watch(`okta.private_key, line ${index}`, line);
  const okta = { org_url: 'https://acme.okta.com', client_id: 'x', private_key: pem, private_key_id: 'k' };
  const oauth = {
    enabled: true,
    provider: 'okta',
    authorization_servers: ['https://acme.okta.com/oauth2/default'],
    okta,
  };
  const good = at.write('good.yaml', { ...at.settings, oauth });
  const secrets = ['session_key', 'metrics.token', 'bearer', 'basic', 'introspection'];
  const wrong = at.write('wrong.yaml', {
    ...at.settings,
    admin: { keys: [at.canaries.mint('admin.keys'), 7] },
    metrics: { token: [at.canaries.mint('a token in a list')] },
    server: {
      session_key: 'short',
      port: '${SECRET_VARIABLE}',
      host: at.canaries.mint('a host'),
      limits: '${file:file-secret}',
    },
    api_keys: [
      { name: 'a', key: at.apiKey },
      { name: 'a', key: at.apiKey },
    ],
    proxy: {
      servers: [
        {
          name: 'a',
          type: 'streamable-http',
          connection: { url: `http://joe:${at.canaries.mint('a URL', true)}@x/` },
          auth: { type: 'bearer', token: 'with blanks ${SECRET_VARIABLE}' },
        },
        {
          name: 'b',
          type: 'streamable-http',
          connection: { url: '${vault:n8n/token}' },
          auth: { type: 'basic', username: 'a:b', password: { not: at.canaries.mint('a mapping') } },
        },
        {
          name: 'c',
          type: 'stdio',
          connection: { command: '', env: { TOKEN: [at.canaries.mint('env in a list')] } },
          auth: { type: '${vault:n8n/nothing}' },
        },
      ],
    },
  });
  const jwt = ['{"alg":"RS256"}', `{"sub":"${at.canaries.mint('a claim on the command line', true)}"}`, 'x']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
  const runs: [code: number, args: string[]][] = [
    [0, ['--help']],
    [0, ['serve', '--help']],
    [0, ['validate', '--config', good]],
    [1, ['validate', '--config', wrong]],
    [1, ['serve', '--config', wrong]],
    [0, ['explain', 'n8n:work', '--config', good, '--claims', '{}']],
    [0, ['explain', 'n8n:work', '--config', good, '--token', jwt]],
    [0, ['explain', 'n8n:work', '--config', good, '--token', jwt, '--json']],
    [1, ['explain', 'n8n:work', '--config', wrong, '--claims', '{}']],
  ];
  for (const [code, args] of runs) {
    const run = new Recorded(args, at.env);
    expect([args, await run.ended, run.text]).toEqual([args, code, run.text]);
    expect([args, at.canaries.leaks(run.text)]).toEqual([args, []]);
    expect(run.text.length).toBeGreaterThan(20);
  }
  expect(at.canaries.places).toEqual(expect.arrayContaining(secrets));
}, 60_000);

it('reads what a plug-in keeps anew when the configuration changes', async () => {
  const at = await secretsWorld(cleanup);
  const servers = (token: string) => ({
    ...at.settings,
    plugins: [VAULT],
    oauth: {},
    proxy: {
      servers: [
        {
          name: 'up',
          type: 'streamable-http',
          connection: { url: `${at.gossip.url}/mcp/works` },
          auth: { type: 'bearer', token },
        },
      ],
    },
  });
  const rotated = at.canaries.mint('a secret that was rotated', true);
  const file = at.write('vaulted.yaml', servers('${vault:n8n/token}'));
  const gateway = cleanup.add(new Recorded(['serve', '--config', file], at.env));
  await until('the upstream was asked with it', () =>
    at.canaries.isIn('a secret source', at.gossip.told('/mcp/works')),
  );
  at.write('vault.json', { 'n8n/token': rotated });
  at.write('vaulted.yaml', servers('${vault:n8n/nothing}'));
  await until('it says what is missing', () => gateway.text.includes('there is nothing at \\"n8n/nothing\\"'));
  expect(at.canaries.isIn('a secret that was rotated', at.gossip.told('/mcp/works'))).toBe(false);
  at.write('vaulted.yaml', { ...servers('${vault:n8n/token}'), audit: { to: 'off' } });
  await until('it is asked with the new one', () =>
    at.canaries.isIn('a secret that was rotated', at.gossip.told('/mcp/works')),
  );
  await gateway.close();
  expect(at.canaries.leaks(gateway.text)).toEqual([]);
});

it('shows no secret when it crashes', async () => {
  const at = await secretsWorld(cleanup);
  const gateway = start(cleanup, at, 'json', { STAMP_CRASHES: '1' });
  expect(await gateway.ended).toBe(1);
  expect(gateway.text).toContain('cannot stamp with [secret]');
  expect(at.canaries.leaks(gateway.text)).toEqual([]);
});
