import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { spawnGateway } from '../support/gateway.js';
import { IdentityProvider, USER } from '../support/idp.js';
import { freePort, ROOT, startProcess } from '../support/processes.js';
import { RICH, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const BIN = join(ROOT, 'bin/mcp-gateway.js');
const RESOURCE = 'http://localhost:8082/mcp';
const cleanup = new Cleanup();
const world = new Cleanup();
let folder: string;
let idp: IdentityProvider;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-doctor-'));
  world.run(() => rmSync(folder, { recursive: true, force: true }));
  idp = world.add(await IdentityProvider.start());
  idp.serve(RESOURCE);
});
afterEach(() => cleanup.close());
afterAll(() => world.close());

interface Finding {
  readonly level: string;
  readonly subject: string;
  readonly text: string;
  readonly fix?: string;
  readonly docs?: string;
}

const DEMO = { name: 'demo', type: 'in-process' };

async function doctor(
  config: Record<string, unknown> | string,
  flags: string[] = [],
  env: Record<string, string> = {},
) {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  const command = cleanup.add(startProcess([BIN, 'doctor', '--config', file, ...flags], env));
  await until('doctor ends', () => command.child.exitCode !== null);
  return { code: command.child.exitCode, output: command.output() };
}

async function findings(...args: Parameters<typeof doctor>): Promise<{ code: number | null; found: Finding[] }> {
  const [config, flags = [], env] = args;
  const { code, output } = await doctor(config, [...flags, '--json'], env);
  return { code, found: (JSON.parse(output) as { findings: Finding[] }).findings };
}

const of = (found: Finding[], subject: string) => found.filter((finding) => finding.subject === subject);
const server = async () => ({ port: await freePort() });

describe('mcp-gateway doctor', () => {
  it('says in one line each that all is well, and exits 0', async () => {
    const { code, output } = await doctor({ server: await server(), proxy: { servers: [DEMO] } });
    const lines = output.trim().split('\n');
    expect([code, lines.at(-1)]).toEqual([0, '5 ok']);
    expect(lines[0]).toMatch(/^ok {7}config {2}\S+gateway\.yaml is valid$/);
    expect(lines[1]).toMatch(/^ok {7}listen {2}127\.0\.0\.1:\d+ is free$/);
    expect(lines[2]).toMatch(
      /^ok {7}demo {4}in-process, ready after \d+ ms, legacy \S+, 5 tools \(about \d+ tokens\), 1 prompt,/,
    );
    expect(lines[3]).toMatch(/^ok {7}names {3}every tool keeps its whole name/);
    expect(lines[4]).toMatch(/^ok {7}tokens {2}\/mcp lists 5 tools, about \d+ tokens \(an estimate: bytes \/ 4\)$/);
    expect(output).not.toContain('\u001b');
  });

  it('says of each server what is wrong, and of its tools which are left out or shortened', async () => {
    const servers = [
      { name: 'dead', type: 'streamable-http', required: true, connection: { url: 'http://127.0.0.1:9/mcp' } },
      { name: 'typo', type: 'stdio', connection: { command: 'no-such-command' } },
      { ...stdio('odd', RICH, ['--odd']), tools: { include: ['fine', 'twice', 'long_*', 'with:colon'] } },
      { ...DEMO, name: 'off', connection: { server: 'demo' }, enabled: false },
    ];
    const few = { include: ['odd:fine'] };
    const { code, found } = await findings({ server: await server(), proxy: { servers, toolsets: { few } } });
    expect(code).toBe(1);
    expect(of(found, 'dead')).toEqual([
      {
        level: 'problem',
        subject: 'dead',
        text: expect.stringMatching(/^unreachable \(required: .*\): .*refused the connection/),
        docs: 'docs/errors.md#upstream_unreachable',
      },
    ]);
    expect(of(found, 'typo')[0]?.text).toContain('the command "no-such-command" was not found');
    expect(of(found, 'odd')[0]).toMatchObject({ level: 'ok', text: expect.stringContaining('4 tools (about') });
    expect(of(found, 'odd').filter(({ level }) => level === 'warning')[0]?.text).toMatch(
      /^left out of the lists: .*, and \d+ more$/,
    );
    const names = of(found, 'names');
    expect(
      names.some(({ text }) => /cursor\*.*shortened: .*odd:long_x+ \(150\) is odd__long_x+_\w{6}/.test(text)),
    ).toBe(true);
    expect(names[0]?.fix).toContain('prefix');
    expect(of(found, 'tokens').map(({ text }) => text.replace(/about \d+/, 'about N'))).toEqual([
      '/mcp lists 4 tools, about N tokens (an estimate: bytes / 4)',
      '/mcp/few lists 1 tool, about N tokens (an estimate: bytes / 4)',
    ]);
    expect(of(found, 'off')).toEqual([{ level: 'note', subject: 'off', text: 'is switched off (enabled: false)' }]);
  });

  it('waits for nobody longer than it was told', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    cleanup.run(() => silent.close());
    await until('it listens', () => silent.listening);
    const { port } = silent.address() as { port: number };
    const mute = { name: 'mute', type: 'streamable-http', connection: { url: `http://127.0.0.1:${port}/mcp` } };
    const { code, found } = await findings({ server: await server(), proxy: { servers: [mute, DEMO] } }, [
      '--timeout',
      '1',
    ]);
    expect(code).toBe(1);
    expect(of(found, 'mute')[0]).toMatchObject({ level: 'problem', text: expect.stringContaining('in time') });
    expect(of(found, 'demo')[0]).toMatchObject({ level: 'ok' });
  });

  it('says who has the port: somebody else, or a gateway that runs already', async () => {
    const other = createServer(() => {}).listen(0, '127.0.0.1');
    cleanup.run(() => other.close());
    await until('it listens', () => other.listening);
    const { port } = other.address() as { port: number };
    const taken = await findings({ server: { port }, proxy: { servers: [DEMO] } }, ['--timeout', '1']);
    expect(taken.code).toBe(1);
    expect(of(taken.found, 'listen')[0]).toMatchObject({
      level: 'problem',
      text: expect.stringContaining(process.platform === 'linux' ? `in use by node (pid ${process.pid})` : 'is in use'),
      fix: expect.stringContaining('server.port'),
    });
    const running = cleanup.add(await spawnGateway({ servers: [] }));
    const own = Number(new URL(running.url).port);
    const fine = await findings({ server: { port: own }, proxy: { servers: [DEMO] } });
    expect([fine.code, of(fine.found, 'listen')[0]?.text]).toEqual([0, expect.stringContaining('a running gateway')]);
  });

  it('tells every problem of a file that cannot be used, and stops there', async () => {
    const { code, found } = await findings('server:\n  port: 99999\nproxy:\n  servres: []\n');
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { level: 'problem', subject: 'config', text: expect.stringMatching(/gateway\.yaml:2:9 +\$\.server\.port/) },
      { level: 'problem', subject: 'config', text: expect.stringMatching(/gateway\.yaml:4:3 +\$\.proxy\.servres/) },
    ]);
    for (const finding of found)
      expect(finding).toMatchObject({ fix: expect.any(String), docs: 'docs/configuration.md' });
  });
});

describe('mcp-gateway doctor at an identity provider', () => {
  const guarded = async (issuer: string, more: Record<string, unknown> = {}) => ({
    server: { url: 'http://localhost:8082', ...(await server()) },
    oauth: { enabled: true, provider: 'oidc', authorization_servers: [issuer], ...more },
    auth: { permissions: { 'demo:*': { public: true } } },
    proxy: { servers: [DEMO] },
  });

  it('walks to the keys, and lets a token in', async () => {
    const token = await idp.token({ client: USER.id, resource: RESOURCE });
    const { code, found } = await findings(await guarded(idp.issuer), [], { MCP_GATEWAY_TOKEN: token });
    expect(of(found, 'identity').map(({ level, text }) => `${level} ${text}`)).toEqual([
      expect.stringMatching(/^ok metadata of http.*\.well-known/),
      expect.stringMatching(/^ok issuer of http/),
      expect.stringMatching(/^ok keys of http.*: 2 keys, good for RS256, ES256$/),
    ]);
    expect(of(found, 'token')).toMatchObject([{ level: 'ok', text: expect.stringMatching(/^accepted: ulla of http/) }]);
    expect(code).toBe(0);
    expect(JSON.stringify(found)).not.toContain(token);
  });

  it.each<[string, (issuer: string) => [string, Record<string, unknown>], RegExp]>([
    [
      'another spelling of the issuer',
      (issuer) => [`${issuer}/`, {}],
      /^issuer of .*its issuer is .*compared to the letter/,
    ],
    ['no metadata', (issuer) => [`${issuer}/nowhere`, {}], /^metadata of .*HTTP 404/],
    [
      'no key for the algorithms',
      (issuer) => [issuer, { algorithms: ['ES512'] }],
      /^keys of .*none for oauth\.algorithms \(ES512\)/,
    ],
    ['keys that are not there', (issuer) => [issuer, { jwks_uri: `${issuer}/nothing` }], /^keys of /],
    ['an issuer that is away', () => ['http://127.0.0.1:9', {}], /^metadata of .*cannot be reached/],
  ])('names the check that fails: %s', async (_, change, expected) => {
    const [issuer, more] = change(idp.issuer);
    const { code, found } = await findings(await guarded(issuer, more));
    const failed = of(found, 'identity').filter(({ level }) => level === 'problem');
    expect(failed).toEqual([
      {
        level: 'problem',
        subject: 'identity',
        text: expect.stringMatching(expected),
        fix: expect.any(String),
        docs: 'docs/authentication.md',
      },
    ]);
    expect(code).toBe(1);
  });

  it('says which check a token fails', async () => {
    const now = Math.floor(Date.now() / 1000);
    const expired = idp.mint({ aud: RESOURCE, iat: now - 900, exp: now - 600 });
    const foreign = idp.mint({ aud: 'https://elsewhere.example.com' });
    for (const [token, reason] of [
      [expired, /expired/],
      [foreign, /aud/],
    ] as const) {
      const { code, found } = await findings(await guarded(idp.issuer), [], { MCP_GATEWAY_TOKEN: token });
      expect(of(found, 'token')).toMatchObject([{ level: 'problem', text: expect.stringMatching(reason) }]);
      expect(code).toBe(1);
    }
  });
});
