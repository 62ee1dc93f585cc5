import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../version.js';

const BIN = join(PACKAGE_ROOT, 'bin', 'mcp-gateway.js');
const EVERYTHING = join(PACKAGE_ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

let folder: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-cli-'));
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  rmSync(folder, { recursive: true, force: true });
});

interface Options {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly detached?: boolean;
}

function start(program: string, args: readonly string[], { cwd = folder, env = {}, detached = false }: Options = {}) {
  const own = { PATH: process.env['PATH'], HOME: folder, ...env };
  const child = spawn(program, args, { cwd, env: own, detached, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.err += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...written }));
  const says = (pattern: RegExp) =>
    expect
      .poll(() => (child.exitCode === null ? written.out : `${written.out}${written.err}(it ended)`), {
        timeout: 20_000,
      })
      .toMatch(pattern);
  return { child, pid: child.pid ?? 0, written, ended, says };
}

const gateway = (args: readonly string[], options?: Options) => start(process.execPath, [BIN, ...args], options);
const run = (args: readonly string[], options?: Options) => gateway(args, options).ended;

function config(settings: Record<string, unknown>): string {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}

async function freePort(): Promise<number> {
  const { server, port } = await listen();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Live processes below this one. */
function descendants(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state === 'Z' ? [] : [{ pid: Number(entry), parent: Number(parent) }];
      } catch {
        return [];
      }
    });
  const below = (pid: number): number[] =>
    parents.filter(({ parent }) => parent === pid).flatMap((child) => [child.pid, ...below(child.pid)]);
  return below(root);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const TOKEN = 'the-token-of-the-metrics-of-this-gateway';
const everything = { name: 'everything', type: 'stdio', connection: { command: 'node', args: [EVERYTHING, 'stdio'] } };

describe('mcp-gateway status', () => {
  it('shows what is wrong to whoever has the token of the metrics', async () => {
    const port = await freePort();
    const dead = { name: 'dead', type: 'streamable-http', required: true, connection: { url: 'http://127.0.0.1:9/' } };
    const file = config({ server: { port }, metrics: { token: TOKEN }, proxy: { servers: [dead] } });
    const served = gateway(['serve', '--config', file]);
    await served.says(/listening/);
    const args = ['status', '--url', `http://127.0.0.1:${port}/mcp`];
    expect(await run(args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('metrics.token') });
    const env = { MCP_GATEWAY_METRICS_TOKEN: TOKEN };
    await expect.poll(async () => (await run(args, { env })).out, { timeout: 20_000 }).toMatch(/^dead +unreachable /m);
    const { code, out } = await run(args, { env });
    expect(code).toBe(1);
    expect(out).toMatch(/^The gateway is not ready: dead is unreachable: .*refused the connection/);
    expect(JSON.parse((await run([...args, '--json'], { env })).out)).toMatchObject({
      status: 'error',
      upstreams: [{ name: 'dead', required: true, cause: 'UPSTREAM_UNREACHABLE', next_retry: expect.any(String) }],
    });
    served.child.kill('SIGTERM');
    expect(await served.ended).toMatchObject({ code: 0 });
    expect(await run(args, { env })).toMatchObject({ code: 2, err: expect.stringContaining('nothing answers at') });
  });
});

describe('mcp-gateway serve', () => {
  it('runs the demo without a configuration file, tells how to use it, and stops with Ctrl-C', async () => {
    const port = await freePort();
    const served = gateway(['serve', '--port', String(port)]);
    await served.says(/demo:? +ready/);
    const url = `http://127.0.0.1:${port}/mcp`;
    expect(served.written.out).toContain('running the built-in demo');
    expect(served.written.out).toContain(`claude mcp add --transport http gw ${url}`);
    expect(served.written.out).toContain('this machine only (loopback), no authentication');
    const listed = await run(['tools', '--url', url]);
    expect(listed.out).toMatch(/^demo:echo +Gives the message back$/m);
    expect(await run(['call', 'demo:echo', 'message=hello', '--url', url])).toMatchObject({ code: 0, out: 'hello\n' });
    expect(await run(['call', 'demo:fail', '--url', url])).toMatchObject({ code: 1, out: '' });
    const sum = await run(['call', 'demo:add', 'a=2', 'b=3', '--url', url, '--json']);
    expect(JSON.parse(sum.out)).toMatchObject({ structuredContent: { sum: 5 } });
    expect((await run(['call', 'demo:add', '--url', url, '--json', '{"a":2,"b":3}'])).out).toBe('2 + 3 = 5\n');
    const status = await run(['status', 'demo', '--url', url]);
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(status.out).toMatch(/^The gateway is ready\n\nSERVER .*\ndemo +ready +\d+ s +5 +legacy \S+ +0\n$/);
    served.child.kill('SIGINT');
    expect(await served.ended).toMatchObject({ code: 0, signal: null });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends every child process after %s', async (signal) => {
    const file = config({
      server: { port: await freePort() },
      log: { format: 'text' },
      proxy: { servers: [everything] },
    });
    const served = gateway(['serve', '--config', file]);
    await served.says(/everything:? +ready/);
    const children = descendants(served.pid);
    expect(children.length).toBeGreaterThan(0);
    served.child.kill(signal);
    expect(await served.ended).toMatchObject({ code: 0, signal: null });
    expect(children.filter(isAlive)).toEqual([]);
  });

  it('ends every process after Ctrl-C under npm', async () => {
    const file = config({
      server: { port: await freePort() },
      log: { format: 'text' },
      proxy: { servers: [everything] },
    });
    const npm = start('npm', ['start', '--ignore-scripts', '--', '--config', file], {
      cwd: PACKAGE_ROOT,
      detached: true,
    });
    await npm.says(/everything:? +ready/);
    const children = descendants(npm.pid);
    expect(children.length).toBeGreaterThan(1);
    process.kill(-npm.pid, 'SIGINT');
    await npm.ended;
    await expect.poll(() => children.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    expect(npm.written.out).toContain('stopped');
  });

  it('writes JSON lines only where nobody sits in front', async () => {
    const file = config({ server: { port: await freePort() } });
    const served = gateway(['serve', '--config', file]);
    await served.says(/listening/);
    served.child.kill('SIGTERM');
    const { out } = await served.ended;
    for (const line of out.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });

  it('follows its configuration file, and keeps the old configuration when the new one is wrong', async () => {
    const server = { port: await freePort() };
    const log = { format: 'text' };
    const demo = { name: 'demo', type: 'in-process' };
    const file = config({ server, log, proxy: { servers: [] } });
    const served = gateway(['serve', '--config', file]);
    await served.says(/no servers are configured/);
    config({ server, log, proxy: { servers: [demo] } });
    await served.says(/demo:? +ready/);
    config({ server, log, proxy: { servers: [demo], surprise: true } });
    await served.says(/the old configuration stays in force: .*surprise/);
    config({ server, log, proxy: { servers: [{ ...demo, type: 'in-proces' }] } });
    await served.says(/the old configuration stays in force: .*there is no transport "in-proces"/);
    expect((await run(['tools', '--url', `http://127.0.0.1:${server.port}/mcp`])).out).toContain('demo:echo');
  });

  it('refuses to start, with a sentence, where it would be unsafe or cannot work', async () => {
    const { server, port } = await listen();
    const refused = async (settings: Record<string, unknown>) => {
      const { code, err } = await run(['serve', '--config', config(settings)]);
      expect(code).toBe(1);
      return err;
    };
    expect(await refused({ server: { port } })).toMatch(
      new RegExp(`port ${port} on 127.0.0.1 is in use: .* choose another port with --port`),
    );
    expect(await refused({ server: { host: '0.0.0.0' } })).toContain('server.allow_anonymous');
    const flagged = await run(['serve', '--host', '0.0.0.0', '--config', config({ server: { port } })]);
    expect([flagged.code, flagged.err]).toEqual([1, expect.stringContaining('server.allow_anonymous')]);
    expect(await refused({ proxy: { servers: [{ name: 'a', type: 'stdoi' }] } })).toMatch(
      /gateway\.yaml:1:\d+ {2}\$\.proxy\.servers\[0\]\.type: there is no transport "stdoi"/,
    );
    expect(await refused({ sevrer: {} })).toMatch(/\$\.sevrer.*server/);
    expect(await refused({ plugins: ['./nowhere.js'] })).toContain('nowhere.js');
    server.close();
  });
});

describe('mcp-gateway serve', () => {
  it.each(['*', 'null', 'https://*.example.com', 'https://a.example/'])(
    'T004: does not start when pages of the origin %j may call it',
    async (origin) => {
      const file = config({ server: { cors: { allowed_origins: [origin] } } });
      const { code, err } = await run(['serve', '--config', file]);
      expect(code).toBe(1);
      expect(err).toContain('$.server.cors.allowed_origins[0]');
    },
  );
});

describe('mcp-gateway validate', () => {
  it('accepts a good file and warns of what is doubtful', async () => {
    const file = config({
      proxy: { servers: [everything] },
      auth: { permissions: { 'admin:*': ['scope:admin'] } },
      server: { host: '0.0.0.0' },
    });
    const { code, out, err } = await run(['validate', '--config', file]);
    expect(code).toBe(0);
    expect(out).toContain('is valid: servers everything');
    expect(err).toContain('warning: ');
    expect(err).toMatch(/serve would refuse: \S+gateway\.yaml:1:\d+ {2}\$\.server\.host/);
  });

  it('prints every problem with its place, and exits 1', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'server:\n  port: 99999\nproxy:\n  servers:\n    - name: Bad_Name\n      type: stdio\n');
    const { code, err } = await run(['validate', '--config', file]);
    expect(code).toBe(1);
    expect(err).toMatch(/bad\.yaml:2:9 +\$\.server\.port/);
    expect(err).toMatch(/bad\.yaml:5:13 +\$\.proxy\.servers\[0\]\.name/);
  });

  it('reports for programs too', async () => {
    const bad = await run(['validate', '--json', '--config', config({ server: { port: 99999 } })]);
    expect(bad).toMatchObject({ code: 1, err: '' });
    expect(JSON.parse(bad.out)).toMatchObject({
      valid: false,
      problems: [{ path: '$.server.port', line: 1, column: expect.any(Number), message: expect.any(String) }],
    });
    const good = await run(['validate', '--json', '--config', config({ server: { host: '0.0.0.0' } })]);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toMatchObject({
      valid: true,
      problems: [],
      remarks: [{ kind: 'serve would refuse', path: '$.server.host', line: 1 }],
    });
  });

  it('asks transports, credentials and plug-ins what they think of their settings', async () => {
    const url = 'http://127.0.0.1:1/mcp';
    const servers = [
      { name: 'a', type: 'streamble-http', connection: { url } },
      { name: 'b', type: 'streamable-http', connection: { url }, auth: { type: 'heder', header: 'x' } },
      { name: 'c', type: 'in-process' },
    ];
    const { code, err } = await run(['validate', '--config', config({ proxy: { servers } })]);
    expect(code).toBe(1);
    expect(err).toMatch(/gateway\.yaml:1:\d+ {2}\$\.proxy\.servers\[0\]\.type: there is no transport "streamble-http"/);
    expect(err).toMatch(/\$\.proxy\.servers\[1\]\.auth\.type: there is no credential "heder"/);
    expect(err).toMatch(/\$\.proxy\.servers\[2\]\.connection\.server: .*known: demo/);
    const missing = await run(['validate', '--config', config({ plugins: ['./nowhere.js'] })]);
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('"./nowhere.js" was not found') });
  });

  it('accepts the published examples and the shipped configuration as they are', async () => {
    const env = {
      N8N_URL: 'https://n8n.example.com/mcp',
      N8N_PROXY_KEY: 'k',
      OKTA_ISSUER: 'https://example.okta.com/oauth2/default',
    };
    for (const name of ['config/examples/published-1.yaml', 'config/examples/published-2.yaml', 'config/config.yaml']) {
      expect(await run(['validate', '--config', join(PACKAGE_ROOT, name)], { env })).toMatchObject({ code: 0 });
    }
  });

  it('refuses an issuer of Okta whose tokens nobody but Okta can check, and an identity provider nobody knows', async () => {
    const oauth = { enabled: true, provider: 'okta', authorization_servers: ['https://example.okta.com'] };
    const okta = await run(['validate', '--config', config({ oauth })]);
    expect(okta.code).toBe(1);
    expect(okta.err).toMatch(
      /gateway\.yaml:1:\d+ {2}\$\.oauth\.authorization_servers\[0\]: must be a custom authorization server/,
    );
    const lonely = { ...oauth, authorization_servers: ['https://example.okta.com/oauth2/aus1'] };
    expect(await run(['validate', '--config', config({ oauth: lonely })])).toMatchObject({
      code: 0,
      err: expect.stringMatching(/warning: \S+gateway\.yaml:1:\d+ {2}\$\.oauth\.audience: is empty; .*nobody gets in/),
    });
    const nobody = await run(['validate', '--config', config({ oauth: { ...oauth, provider: 'octa' } })]);
    expect(nobody.err).toMatch(/\$\.oauth\.provider: there is no provider "octa"; known are auth0, .*, okta/);
  });

  it('says where it looked when there is no file', async () => {
    const { code, err } = await run(['validate']);
    expect(code).toBe(1);
    expect(err).toContain('looked for config/config.yaml');
  });
});

describe('mcp-gateway', () => {
  it('shows help and version, and names the command that is unknown', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('validate') });
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await run(['toolz'])).toMatchObject({ code: 1, err: expect.stringContaining("unknown command 'toolz'") });
  });
});

describe('bin/mcp-gateway.js', () => {
  /** A checkout without anything but the entry, and a Node that claims to be old. */
  function checkout(): { bin: string; old: string } {
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const old = join(folder, 'old.cjs');
    writeFileSync(
      old,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.0' } });",
    );
    const bin = join(folder, 'bin', 'mcp-gateway.js');
    copyFileSync(BIN, bin);
    return { bin, old };
  }

  it('says in one line what to do when Node is too old', async () => {
    const { bin, old } = checkout();
    const { code, out, err } = await start(process.execPath, ['--require', old, bin, 'serve']).ended;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^mcp-gateway: needs Node\.js 22\.19 or newer and this is 20\.11\.0; .*\n$/);
  });

  it('runs with the Node the checkout brings when the one it was started with is too old', async () => {
    const { bin, old } = checkout();
    mkdirSync(join(folder, 'node_modules/node/bin'), { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node_modules/node/bin/node'));
    mkdirSync(join(folder, 'dist/command'), { recursive: true });
    writeFileSync(
      join(folder, 'dist/command/main.js'),
      "process.stdout.write(process.argv.slice(2).join(' ')); process.exitCode = 7;",
    );
    const { code, out } = await start(process.execPath, ['--require', old, bin, 'call', 'x']).ended;
    expect({ code, out }).toEqual({ code: 7, out: 'call x' });
  });

  it('leaves no gateway behind when it is killed while the Node of the checkout runs', async () => {
    const { bin, old } = checkout();
    mkdirSync(join(folder, 'node_modules/node/bin'), { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node_modules/node/bin/node'));
    mkdirSync(join(folder, 'dist/command'), { recursive: true });
    writeFileSync(join(folder, 'dist/command/main.js'), "setInterval(() => {}, 1000); console.log('up');");
    const wrapper = start(process.execPath, ['--require', old, bin, 'serve']);
    await wrapper.says(/up/);
    const children = descendants(wrapper.pid);
    expect(children).toHaveLength(1);
    wrapper.child.kill('SIGKILL');
    await expect.poll(() => children.filter(isAlive), { timeout: 10_000 }).toEqual([]);
  });

  it('prefers the command in few files, and runs a build that is not combined where there is nothing else', async () => {
    const { bin } = checkout();
    const put = (path: string, says: string) => {
      mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, path, 'main.js'), `process.stdout.write('${says}')`);
    };
    put('dist/apps/gateway/src', 'many');
    expect((await start(process.execPath, [bin]).ended).out).toBe('many');
    put('dist/command', 'few');
    expect((await start(process.execPath, [bin]).ended).out).toBe('few');
  });

  it('says how to build when there is no build', async () => {
    const { bin } = checkout();
    const { code, err } = await start(process.execPath, [bin]).ended;
    expect(code).toBe(1);
    expect(err).toContain('run `npm run build`');
  });
});
