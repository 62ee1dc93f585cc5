import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Canaries } from '../support/canaries.js';
import { Gossip } from '../support/gossip.js';
import { freePort, ROOT } from '../support/processes.js';
import { http, initializeBody, type RawAnswer } from '../support/raw.js';
import { Cleanup, until } from '../support/wait.js';

const BIN = join(ROOT, 'bin/mcp-gateway.js');
const VAULT = join(ROOT, 'test/fixtures/plugins/secrets/vault.mjs');
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

/** A credential of a plug-in: sends its secret, and throws where nobody catches when it is told to. */
const PLUGIN = `
import { Module } from '@nestjs/common';
import { Extension, UpstreamCredential } from 'mcp-gateway/plugin';
class Stamp extends UpstreamCredential {
  headers(_target, settings) {
    const token = settings.stamp_token?.reveal?.() ?? String(settings.stamp_token);
    if (process.env.STAMP_CRASHES) setTimeout(() => { throw new Error('cannot stamp with ' + token); }, 300);
    return { kind: 'ok', headers: { 'x-stamp': token } };
  }
}
Extension(UpstreamCredential, { name: 'stamp', api: '1.0' })(Stamp);
export default class StampPlugin {}
Module({ providers: [Stamp] })(StampPlugin);
`;

const CHILD = `
process.stderr.write('given ' + process.env.CHILD_API_TOKEN + '\\n');
process.stdout.write('no JSON: ' + process.env.CHILD_API_TOKEN + '\\n');
process.exit(3);
`;

/** Everything a process of the gateway writes, from the first byte to the last. */
class Recorded {
  text = '';
  readonly ended: Promise<number | null>;
  readonly #child;

  constructor(args: readonly string[], env: Record<string, string>) {
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(process.execPath, [BIN, ...args], { cwd: ROOT, env: { PATH, HOME, ...env } });
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        this.text += chunk;
      });
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async close(): Promise<void> {
    if (this.running) this.#child.kill('SIGTERM');
    await this.ended;
  }
}

interface World {
  readonly canaries: Canaries;
  readonly gossip: Gossip;
  readonly folder: string;
  readonly port: number;
  /** The configuration, by sections. */
  readonly settings: Record<string, Record<string, unknown> | unknown[]>;
  readonly env: Record<string, string>;
  readonly apiKey: string;
  write(name: string, settings: object): string;
}

/** A canary in every place of the grammar that takes a secret, and upstreams that give them all back. */
async function world(): Promise<World> {
  const canaries = new Canaries();
  const gossip = cleanup.add(await Gossip.start());
  const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-secrets-'));
  cleanup.run(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  writeFileSync(join(folder, 'stamp.mjs'), PLUGIN);
  const vault = { 'n8n/token': canaries.mint('a secret source', true) };
  writeFileSync(join(folder, 'vault.json'), JSON.stringify(vault));
  writeFileSync(join(folder, 'file-secret'), `${canaries.mint('a file')}\n`, { mode: 0o600 });
  const env = { EXAMPLE_VAULT: join(folder, 'vault.json'), SECRET_VARIABLE: canaries.mint('a variable') };
  const apiKey = canaries.mint('api_keys', true);
  const token = { token_url: `${gossip.url}/token-refuses`, client_id: 'gateway' };
  const credentials: Record<string, object> = {
    header: { type: 'header', header: 'x-key', value: '${file:file-secret}' },
    variable: { type: 'header', header: 'x-key', value: '${SECRET_VARIABLE}' },
    bearer: { type: 'bearer', token: canaries.mint('bearer', true) },
    vaulted: { type: 'bearer', token: '${vault:n8n/token}' },
    basic: { type: 'basic', username: 'joe', password: canaries.mint('basic') },
    client: { type: 'oauth-client-credentials', ...token, client_secret: canaries.mint('client credentials') },
    posted: {
      type: 'oauth-client-credentials',
      ...token,
      token_url: `${gossip.url}/token-fails`,
      client_auth: 'post',
      client_secret: canaries.mint('client credentials in a form'),
    },
    exchange: {
      type: 'token-exchange',
      ...token,
      client_secret: canaries.mint('token exchange'),
      discovery: { type: 'oauth-client-credentials', ...token, client_secret: canaries.mint('its discovery') },
    },
    stamp: { type: 'stamp', stamp_token: canaries.mint('a plug-in', true) },
  };
  const http = Object.entries(credentials).flatMap(([name, auth]) =>
    ['text', 'denied', 'rpc', 'json', 'sse', 'works'].map((path) => ({
      name: `${name}-${path}`,
      type: 'streamable-http',
      protocol: 'legacy',
      required: true,
      connection: { url: `${gossip.url}/mcp/${path}` },
      auth,
    })),
  );
  const child = {
    name: 'child',
    type: 'stdio',
    connection: { command: process.execPath, args: ['-e', CHILD], env: { CHILD_API_TOKEN: canaries.mint('a child') } },
  };
  const settings = {
    server: { url: `http://127.0.0.1:${port}`, port, session_key: canaries.mint('session_key') },
    metrics: { token: canaries.mint('metrics.token', true) },
    oauth: {
      enabled: true,
      provider: 'oidc',
      authorization_servers: [gossip.url],
      introspection: {
        url: `${gossip.url}/introspect`,
        client_id: 'gateway',
        client_secret: canaries.mint('introspection'),
      },
    },
    api_keys: [{ name: 'tests', key: apiKey }],
    auth: { permissions: { '*:*': { public: true } } },
    proxy: { servers: [...http, child] },
    plugins: [join(folder, 'stamp.mjs'), VAULT],
    audit: { to: join(folder, 'audit.jsonl') },
    log: { level: 'trace', format: 'json' },
  };
  const write = (name: string, content: object) => {
    writeFileSync(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  return { canaries, gossip, folder, port, settings, env, apiKey, write };
}

/** What a client sees: status line, headers and body, without the one header that hands it its session. */
function shown({ status, headers, text }: RawAnswer): string {
  const { 'mcp-session-id': _own, ...rest } = headers;
  return `${status} ${JSON.stringify(rest)} ${text}`;
}

/** Strangers and a guest, who put their own secrets everywhere they can. */
async function visit({ port, apiKey, canaries, settings }: World): Promise<string> {
  const url = `http://127.0.0.1:${port}/mcp`;
  const seen: string[] = [];
  const send = async (headers: Record<string, string>, body: string, query = '') => {
    const answer = await http(`${url}${query}`, { headers, body });
    seen.push(shown(answer));
    return answer;
  };
  const hello = initializeBody();
  const jwt = [
    { alg: 'RS256', kid: canaries.mint('a kid'), typ: 'at+jwt' },
    { sub: canaries.mint('a claim'), iss: 'x' },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(canaries.mint('a signature', true))
    .join('.');
  canaries.watch('a JWT', jwt);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  await send(bearer(jwt), hello);
  await send(bearer(canaries.mint('an opaque token', true)), hello);
  await send(bearer(`opaque-ok-${canaries.mint('a token that is not active', true)}`), hello);
  await send(
    { authorization: `Basic ${Buffer.from(`joe:${canaries.mint('basic of a client')}`).toString('base64')}` },
    hello,
  );
  await send({ authorization: canaries.mint('a header that is none', true) }, hello);
  await send(
    { cookie: `sid=${canaries.mint('a cookie', true)}`, 'x-api-key': canaries.mint('an API key header', true) },
    hello,
  );
  await send({}, hello, `?access_token=${encodeURIComponent(canaries.mint('a query'))}`);
  await send(
    { ...bearer(apiKey), 'mcp-session-id': canaries.mint('a session id', true) },
    '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  );
  const opened = await send(bearer(apiKey), hello);
  const session = String(opened.headers['mcp-session-id']);
  canaries.watch('T044: the session id', session);
  const own = { ...bearer(apiKey), 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
  await send(
    own,
    `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"access_token":"${canaries.mint('a param', true)}`,
  );
  const servers = (settings['proxy'] as { servers: { name: string }[] }).servers;
  for (const { name } of servers) {
    const token = canaries.mint(`an argument for ${name}`, true);
    const params = { name: `${name}:work`, arguments: { token }, _meta: { 'example.com/token': token } };
    await send(own, JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'tools/call', params }));
  }
  for (const path of [
    '/ready',
    '/live',
    '/metrics',
    '/health',
    '/config',
    '/.well-known/oauth-protected-resource/mcp',
  ]) {
    seen.push(shown(await http(`http://127.0.0.1:${port}${path}`, { method: 'GET' })));
  }
  const token = String((settings['metrics'] as { token: string }).token);
  seen.push(shown(await http(`http://127.0.0.1:${port}/metrics`, { method: 'GET', headers: bearer(token) })));
  seen.push(shown(await http(url, { method: 'DELETE', headers: own })));
  return seen.join('\n');
}

function start(at: World, format: 'json' | 'text', env: Record<string, string> = {}): Recorded {
  const file = at.write(`${format}.yaml`, { ...at.settings, log: { level: 'trace', format } });
  return cleanup.add(new Recorded(['serve', '--config', file], { ...at.env, ...env }));
}

async function serve(at: World, format: 'json' | 'text'): Promise<Recorded> {
  const gateway = start(at, format);
  const live = async () => (await http(`http://127.0.0.1:${at.port}/live`, { method: 'GET' })).status === 200;
  await until('the gateway listens', async () => !gateway.running || (await live()));
  if (!gateway.running) throw new Error(gateway.text);
  return gateway;
}

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
  const at = await world();
  const gateway = await serve(at, format);
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
  const at = await world();
  Object.assign(at.settings, { audit: { to: 'stdout', arguments: true } });
  const gateway = await serve(at, 'json');
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
  const at = await world();
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
  const at = await world();
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
  const at = await world();
  const gateway = start(at, 'json', { STAMP_CRASHES: '1' });
  expect(await gateway.ended).toBe(1);
  expect(gateway.text).toContain('cannot stamp with [secret]');
  expect(at.canaries.leaks(gateway.text)).toEqual([]);
});
