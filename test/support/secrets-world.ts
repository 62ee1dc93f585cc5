import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Canaries } from './canaries.js';
import { Gossip } from './gossip.js';
import { freePort, ROOT } from './processes.js';
import { http, initializeBody, type RawAnswer } from './raw.js';
import { type Cleanup, until } from './wait.js';

const BIN = join(ROOT, 'bin/mcp-gateway.js');
/** A plug-in that keeps secrets. */
export const VAULT = join(ROOT, 'test/fixtures/plugins/secrets/vault.mjs');

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
export class Recorded {
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

export interface World {
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
export async function secretsWorld(cleanup: Cleanup): Promise<World> {
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
export async function visit({ port, apiKey, canaries, settings }: World): Promise<string> {
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

export function start(
  cleanup: Cleanup,
  at: World,
  format: 'json' | 'text',
  env: Record<string, string> = {},
): Recorded {
  const file = at.write(`${format}.yaml`, { ...at.settings, log: { level: 'trace', format } });
  return cleanup.add(new Recorded(['serve', '--config', file], { ...at.env, ...env }));
}

export async function serve(cleanup: Cleanup, at: World, format: 'json' | 'text'): Promise<Recorded> {
  const gateway = start(cleanup, at, format);
  const live = async () => (await http(`http://127.0.0.1:${at.port}/live`, { method: 'GET' })).status === 200;
  await until('the gateway listens', async () => !gateway.running || (await live()));
  if (!gateway.running) throw new Error(gateway.text);
  return gateway;
}
