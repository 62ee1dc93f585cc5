import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError, type Log, SILENT } from '#libs/kernel';
import { ChildPlaces } from '../../pool/child-places.js';
import { Conversation, type TargetSettings, testTarget } from '../../testing/index.js';
import { ChildEnvironment } from './child-environment.js';
import { StdioTransport } from './stdio.transport.js';

let dir: string;
let open: Conversation[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stdio-'));
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((talk) => talk.connection.close()));
  rmSync(dir, { recursive: true, force: true });
});

/** A script that announces itself with `ready` and whatever `told` evaluates to, then does what it is told here. */
function script(source: string): TargetSettings {
  const file = join(dir, `child-${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process';
     const say = (params) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', method: 'ready', params }) + '\\n');
     process.stdin.on('data', () => {});
     ${source}`,
  );
  return { command: process.execPath, args: [file] };
}

async function connect(settings: TargetSettings, transport = quick()): Promise<Conversation> {
  const talk = await Conversation.open(transport, testTarget({ type: 'stdio', ...settings }));
  open.push(talk);
  return talk;
}

async function ready(settings: TargetSettings, transport = quick()) {
  const talk = await connect(settings, transport);
  await talk.until(() => talk.shared.some((message) => message.method === 'ready') || talk.closed.length > 0);
  expect(talk.closed).toEqual([]);
  return { talk, told: talk.shared[0]?.params ?? {}, pid: talk.connection.status().pid as number };
}

function quick(base?: ChildEnvironment): StdioTransport {
  const transport = new StdioTransport(base);
  transport.times = { stdin: 150, term: 150, kill: 2_000 };
  return transport;
}

/** Whether a process runs; one that merely waits to be reaped does not. */
function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] as string);
  } catch {
    return false;
  }
}

const GRANDCHILD = `const grandchild = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); process.send("up")'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  grandchild.once('message', () => say({ grandchild: grandchild.pid }));`;

describe('the end of a child', () => {
  it('comes by itself when its stdin is closed: nothing is signalled', async () => {
    const diary = join(dir, 'diary');
    const { talk, pid } = await ready(
      script(`import { appendFileSync } from 'node:fs';
        process.on('SIGTERM', () => appendFileSync(${JSON.stringify(diary)}, 'SIGTERM '));
        process.stdin.on('end', () => { appendFileSync(${JSON.stringify(diary)}, 'end of stdin '); process.exit(0); });
        say({});`),
      new StdioTransport(),
    );
    await talk.connection.close();
    expect(runs(pid)).toBe(false);
    expect(readFileSync(diary, 'utf8')).toBe('end of stdin ');
  });

  it('comes by SIGTERM when it ignores the end of its stdin', async () => {
    const { talk, pid } = await ready(script(`setInterval(() => {}, 1000); say({});`));
    await talk.connection.close();
    expect(runs(pid)).toBe(false);
  });

  it('comes by SIGKILL when it ignores SIGTERM too', async () => {
    const { talk, pid } = await ready(script(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); say({});`));
    await talk.connection.close();
    expect(runs(pid)).toBe(false);
  });

  it('takes grandchildren along, even ones that ignore SIGTERM', async () => {
    const { talk, told, pid } = await ready(script(`${GRANDCHILD} process.stdin.on('end', () => process.exit(0));`));
    expect(runs(told['grandchild'] as number)).toBe(true);
    await talk.connection.close();
    expect(runs(pid)).toBe(false);
    expect(runs(told['grandchild'] as number)).toBe(false);
  });

  it('takes grandchildren along when the child crashes', async () => {
    const { talk, told, pid } = await ready(script(GRANDCHILD));
    process.kill(pid, 'SIGKILL');
    await talk.until(() => talk.closed.length > 0);
    expect(talk.closed[0]?.message).toContain('was ended by SIGKILL');
    await vi.waitFor(() => expect(runs(told['grandchild'] as number)).toBe(false), { timeout: 10_000 });
  });

  it('leaves no handle and no listener behind', async () => {
    const before = { exit: process.listenerCount('exit'), handles: process.getActiveResourcesInfo().length };
    for (let round = 0; round < 5; round++) {
      const { talk } = await ready(script(`process.stdin.on('end', () => process.exit(0)); say({});`));
      await talk.connection.close();
    }
    // Its own timers count, too, when vitest waits.
    while (process.getActiveResourcesInfo().length > before.handles) await new Promise((turn) => setImmediate(turn));
    expect(process.listenerCount('exit')).toBe(before.exit);
  });

  it('comes at the latest when the gateway’s process exits', async () => {
    const module = pathToFileURL(join(import.meta.dirname, 'process-group.ts')).href;
    const source = `import { registerHooks } from 'node:module';
      import { spawn } from 'node:child_process';
      registerHooks({ resolve: (name, at, next) => next(name.startsWith('./') ? name.replace(/js$/, 'ts') : name, at) });
      const { ProcessGroup } = await import(${JSON.stringify(module)});
      const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
      new ProcessGroup(child.pid, { warn() {} });
      console.log(child.pid);
      process.exit(1);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source]).catch(
      (failed: { stdout: string }) => failed,
    );
    expect(Number(stdout)).toBeGreaterThan(1);
    await vi.waitFor(() => expect(runs(Number(stdout))).toBe(false), { timeout: 10_000 });
  });

  it('gives its place to another child once nothing of its group is left, however long that takes', async () => {
    const places = new ChildPlaces();
    const transport = new StdioTransport(undefined, places);
    transport.times = { stdin: 0, term: 0, kill: 0 };
    const { talk, told } = await ready(script(GRANDCHILD), transport);
    expect(places.taken).toBe(1);
    await talk.connection.close();
    await vi.waitFor(() => expect(places.taken).toBe(0), { timeout: 10_000 });
    expect(runs(told['grandchild'] as number)).toBe(false);
    await expect(connect({ command: 'no-such-program' }, transport)).rejects.toThrow('not found');
    expect(places.taken).toBe(0);
  });

  it('comes when the attempt to connect is given up', async () => {
    const attempt = Conversation.open(quick(), testTarget(script('say({});')), {}, AbortSignal.abort());
    await expect(attempt).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
  });
});

describe('errors of a child', () => {
  it('carry its exit code and its last lines on stderr', async () => {
    const talk = await connect(
      script(
        `console.error('loading'); console.error('\\x1b[31mError: DATABASE_URL is not set\\x1b[0m\\x07'); process.exit(3);`,
      ),
    );
    const error = await talk.ask('initialize').response.catch((thrown: GatewayError) => thrown);
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({
      code: 'UPSTREAM_DISCONNECTED',
      notExecuted: false,
      data: { exitCode: 3, stderr: ['loading', 'Error: DATABASE_URL is not set\\x07'] },
    });
    expect((error as GatewayError).message).toMatch(
      /"subject" exited with code 3; its last words.*DATABASE_URL is not set/,
    );
  });

  it('never show the secrets it was given', async () => {
    const talk = await connect({
      ...script(`console.error('login with ' + process.env.API_TOKEN + ' failed'); process.exit(1);`),
      env: { API_TOKEN: 'tok-1234567890' },
    });
    const error = await talk.ask('initialize').response.catch((thrown: GatewayError) => thrown);
    expect((error as GatewayError).data['stderr']).toEqual(['login with [secret] failed']);
  });

  it('keep a bounded tail of a flood, also of one endless line', async () => {
    const { talk } = await ready(
      script(`for (let i = 0; i < 5000; i++) console.error('line ' + i + ' '.repeat(50) + '.');
        process.stderr.write('e'.repeat(2_000_000), () => say({}));`),
    );
    await vi.waitFor(() => expect(talk.connection.status().stderr?.at(-1)).toMatch(/^e+…$/));
    const lines = talk.connection.status().stderr as string[];
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.join('').length).toBeLessThanOrEqual(9 * 1024);
    expect(lines.at(-2)).toContain('line 4999');
  });

  it('tell of a child that closed its stdout and lives on', async () => {
    const { talk, pid } = await ready(
      script(
        `import('node:fs').then((fs) => { say({}); setTimeout(() => fs.closeSync(1)); setInterval(() => {}, 1000); });`,
      ),
    );
    await talk.until(() => talk.closed.length > 0);
    expect(talk.closed[0]?.message).toMatch(/closed its stdout while it was still running/);
    await vi.waitFor(() => expect(runs(pid)).toBe(false), { timeout: 10_000 });
  });

  it('refuse more for a child that does not read', async () => {
    const { talk } = await ready(script(`process.stdin.pause(); setInterval(() => {}, 1000); say({});`));
    const text = 'x'.repeat(8 * 1024 * 1024);
    const asked = Array.from({ length: 10 }, () => talk.ask('echo', { text }));
    const refused = await Promise.race(asked.map(({ response }) => response.catch((error: GatewayError) => error)));
    expect(refused).toMatchObject({ code: 'UPSTREAM_BUSY', notExecuted: true });
  });

  it('name the request whose answer was too long, and no other', async () => {
    const { talk } = await ready({
      ...script(`import { createInterface } from 'node:readline';
        createInterface(process.stdin).on('line', (line) => {
          const { id, method } = JSON.parse(line);
          const result = { text: 'x'.repeat(method === 'short' ? 1 : 200_000) };
          const reply = method === 'head' ? { jsonrpc: '2.0', id, result } : { result, jsonrpc: '2.0', id };
          if (method !== 'silent') console.log(JSON.stringify(reply));
        });
        say({});`),
      limits: { response: 64 * 1024, event: 64 * 1024 },
    });
    const silent = talk.ask('silent');
    await expect(talk.ask('head').response).rejects.toMatchObject({ code: 'UPSTREAM_TOO_LARGE' });
    await expect(talk.ask('tail').response).rejects.toMatchObject({ code: 'UPSTREAM_TOO_LARGE' });
    expect(silent.errors).toEqual([]);
    expect(await talk.result('short')).toEqual({ text: 'x' });
  });

  it('spare every request when what was too long answers none', async () => {
    const { talk } = await ready({
      ...script(`import { createInterface } from 'node:readline';
        createInterface(process.stdin).on('line', (line) => {
          const { id } = JSON.parse(line);
          console.log('='.repeat(200_000));
          console.log(JSON.stringify({ method: 'notifications/message', params: 'x'.repeat(200_000), jsonrpc: '2.0' }));
          console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { text: 'x' } }));
        });
        say({});`),
      limits: { response: 64 * 1024, event: 64 * 1024 },
    });
    expect(await talk.result('short')).toEqual({ text: 'x' });
  });

  it('count lines that are no messages, and show the first', async () => {
    const warnings: string[] = [];
    const log: Log = { ...SILENT, warn: (_fields, message) => void warnings.push(message) };
    const talk = await connect({
      ...script(`for (let i = 0; i < 100; i++) console.log({ level: 'info', i }); say({});`),
      log,
    });
    await talk.until(() => talk.shared.length > 0);
    expect(warnings).toHaveLength(5);
    expect(warnings[4]).toContain('more of these will only be counted');
    expect(talk.shared).toHaveLength(1);
  });
});

describe('the environment of a child', () => {
  it('is what is configured, PATH and HOME, and nothing of the gateway', async () => {
    process.env['GATEWAY_SECRET_FOR_TEST'] = 'not for children';
    const base = ChildEnvironment.of({ PATH: '/usr/bin:/bin', HOME: '/home/somebody' });
    const { told } = await ready({ ...script('say({ env: process.env });'), env: { ONE: '1' } }, quick(base));
    delete process.env['GATEWAY_SECRET_FOR_TEST'];
    expect(told['env']).toEqual({ ONE: '1', PATH: '/usr/bin:/bin', HOME: '/home/somebody' });
  });

  it('prefers configured values of PATH and HOME', async () => {
    const { told } = await ready({ ...script('say({ env: process.env });'), env: { HOME: '/srv' } });
    expect((told['env'] as Record<string, string>)['HOME']).toBe('/srv');
  });

  it('includes the working directory', async () => {
    const { told } = await ready({ ...script('say({ cwd: process.cwd() });'), cwd: dir });
    expect(told['cwd']).toBe(dir);
  });

  it('never sees a shell: arguments arrive as they are', async () => {
    const args = ['; touch /tmp/owned', '$(id)', '`id`', '&& true', 'a b', '*', 'two\nlines'];
    const { args: file, command } = script('say({ argv: process.argv.slice(2) });');
    const { told } = await ready({ command, args: [...(file as string[]), ...args] });
    expect(told['argv']).toEqual(args);
  });

  it('finds bare commands on the PATH the child gets', async () => {
    symlinkSync(process.execPath, join(dir, 'my-node'));
    const { args } = script('say({});');
    await ready({ command: 'my-node', args, env: { PATH: `${dir}:${dirname(process.execPath)}` } });
  });
});

describe('a command that cannot be started', () => {
  const failing = async (settings: TargetSettings, base?: ChildEnvironment) => {
    const thrown = await connect(settings, quick(base)).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
    return (thrown as GatewayError).message;
  };

  it('is not on the PATH: the PATH is shown', async () => {
    const message = await failing({ command: 'npxx' }, ChildEnvironment.of({ PATH: '/opt/none:/usr/none', HOME: '/' }));
    expect(message).toBe(
      'Upstream "subject" could not be started: the command "npxx" was not found in PATH (/opt/none:/usr/none); ' +
        'install it, or give its full path in connection.command',
    );
  });

  it('is a path to nothing', async () => {
    expect(await failing({ command: join(dir, 'none') })).toContain(`the file ${join(dir, 'none')} does not exist`);
  });

  it('runs in a directory that does not exist', async () => {
    expect(await failing({ command: process.execPath, cwd: join(dir, 'none') })).toMatch(
      /its directory .*none does not exist/,
    );
  });

  it('is not executable', async () => {
    writeFileSync(join(dir, 'tool'), '#!/bin/sh\n');
    chmodSync(join(dir, 'tool'), 0o644);
    expect(await failing({ command: join(dir, 'tool') })).toMatch(
      /tool is not executable for this user; run "chmod \+x"/,
    );
    expect(await failing({ command: 'tool', env: { PATH: dir } })).toMatch(/tool is not executable.*PATH/);
  });

  it('is a directory', async () => {
    expect(await failing({ command: dir })).toMatch(/is a directory; name the program/);
  });

  it('is a script whose interpreter is missing', async () => {
    writeFileSync(join(dir, 'tool'), '#!/opt/none/python\n');
    chmodSync(join(dir, 'tool'), 0o755);
    expect(await failing({ command: join(dir, 'tool') })).toMatch(
      /exists, but the interpreter its first line names does not/,
    );
  });
});

describe('settings of a stdio upstream', () => {
  const problems = (settings: TargetSettings) => new StdioTransport().validate(testTarget(settings));

  it('need a command, without arguments in it', () => {
    expect(problems({})[0]).toMatch(/^command: is required/);
    expect(problems({ command: 'npx -y server' })[0]).toMatch(/^command: must be the program alone/);
    expect(problems({ command: '/opt/my tools/server' })).toEqual([]);
  });

  it('must fit a system call', () => {
    expect(problems({ command: 'a', args: ['b\0'], env: { 'A=B': 'c', D: '\0' } })).toEqual([
      'args[0]: must not contain a NUL character',
      'env.D: must not contain a NUL character',
      'env.A=B: is not a name for an environment variable',
    ]);
  });
});
