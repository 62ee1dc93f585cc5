import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { descendants, freePort, isAlive, ROOT, startProcess } from '../support/processes.js';
import { http } from '../support/raw.js';
import { Cleanup, until } from '../support/wait.js';
import { pageAt } from './pages.js';
import { firstDifference, type Step, screen, stepsOf } from './transcript.js';

const README = pageAt('README.md');
const [start, ...others] = README.blocks.filter(({ language }) => language === 'console').flatMap(stepsOf) as [
  Step,
  ...Step[],
];
const DOCUMENTED_PORT = '8082';
const hasTerminals = spawnSync('script', ['--version']).status === 0;

const cleanup = new Cleanup();
afterAll(() => cleanup.close());

const port = await freePort();
const url = `http://127.0.0.1:${port}/mcp`;

/** As the page has it: its port, which needs no flag. */
function asDocumented(rows: readonly string[]): readonly string[] {
  return rows.map((row) => row.replaceAll(` --url ${url}`, '').replaceAll(String(port), DOCUMENTED_PORT));
}

/** What `npm start` runs, once `npm ci` and the build are done. */
function startScript(): string {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['prestart']).toBe('npm run build');
  return (scripts['start'] ?? '').replace(/^node /, `${process.execPath} `);
}

/** The first shell: in a terminal of its own where the machine can make one. */
function firstShell() {
  const script = startScript();
  const command = hasTerminals
    ? { file: 'script', args: ['-qec', `stty cols 120; exec ${script}`, '/dev/null'] }
    : { file: 'sh', args: ['-c', `exec ${script}`] };
  const child = spawn(command.file, command.args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TERM: 'xterm', MCP_GATEWAY_PORT: String(port) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return { child, ended: once(child, 'exit'), shown: () => asDocumented(screen(text)) };
}

/** Runs a command of the second shell, spelled as on the page, and waits for its end. */
async function run(command: string): Promise<{ code: number | null; shown: readonly string[] }> {
  const [npx, name, ...args] = command.split(' ');
  expect([npx, name]).toEqual(['npx', 'mcp-gateway']);
  const running = startProcess([join(ROOT, 'bin/mcp-gateway.js'), ...args, '--url', url]);
  await until(`${command} ends`, () => running.child.exitCode !== null);
  return { code: running.child.exitCode, shown: asDocumented(running.output().trimEnd().split('\n')) };
}

describe('the quick start of the README', () => {
  const shell = firstShell();
  cleanup.run(async () => {
    shell.child.kill('SIGKILL');
    await shell.ended;
  });

  it('begins with what npm start does', () => {
    expect(start.command).toBe('npm ci && npm start');
    expect(others.length).toBeGreaterThanOrEqual(3);
  });

  it('has come up when the second shell begins', async () => {
    await until('the gateway lists both servers', async () => {
      const { code, shown } = await run('npx mcp-gateway status everything files');
      return code === 0 && shown.length > 3;
    });
  });

  it.skipIf(!hasTerminals)(`shows what the page shows${hasTerminals ? '' : ' (no script command here)'}`, async () => {
    let difference: string | undefined;
    await until('the table is complete', () => {
      difference = firstDifference([...start.shown, '…'], shell.shown());
      return difference === undefined;
    }).catch(() => undefined);
    expect(difference).toBeUndefined();
  });

  it.each(others.map((step) => [step.command, step] as const))('%s', async (command, step) => {
    const { code, shown } = await run(command);
    expect(firstDifference(step.shown, shown)).toBeUndefined();
    expect(code).toBe(0);
  });

  it('has every endpoint of the table but what oauth brings', async () => {
    const rows = [...README.prose.matchAll(/^\| `(\/[^`]*)` \| ([^|]+) \|/gm)];
    const paths = rows.map(([, path = '']) => path.replace('<name>', 'files'));
    expect(paths).toEqual(expect.arrayContaining(['/mcp', '/mcp/files', '/live', '/ready', '/metrics']));
    for (const path of paths.filter((path) => !path.startsWith('/.well-known'))) {
      const { status } = await http(`http://127.0.0.1:${port}${path}`, { method: 'GET' });
      expect([path, status]).toEqual([path, path.startsWith('/mcp') ? expect.not.toBeOneOf([404, 500]) : 200]);
    }
  });

  it('says what stands in the way of a second one', async () => {
    const second = startProcess([join(ROOT, 'bin/mcp-gateway.js'), 'serve', '--port', String(port)]);
    await until('it ends', () => second.child.exitCode !== null);
    const said = asDocumented(second.output().split('\n'));
    expect(README.prose).toContain(`\`${said.find((row) => row.startsWith('mcp-gateway: port'))}\``);
  });

  it.skipIf(!hasTerminals)('ends with Ctrl-C, and everything it started with it', async () => {
    const started = descendants(shell.child.pid ?? 0);
    expect(started.length).toBeGreaterThanOrEqual(3);
    shell.child.stdin.write('\u0003');
    await shell.ended;
    await until('everything has ended', () => started.every((pid) => !isAlive(pid)));
  });

  it('says what stands in the way when nothing is started', async () => {
    const nowhere = startProcess([join(ROOT, 'bin/mcp-gateway.js'), 'tools', '--url', url]);
    await until('it ends', () => nowhere.child.exitCode !== null);
    const said = nowhere.output().replaceAll(String(port), DOCUMENTED_PORT);
    expect(said).toMatch(/^mcp-gateway: nothing answers at .*\?/);
    expect(README.prose).toContain(`\`${said.slice(0, said.indexOf('?') + 1)}\``);
  });
});

describe('the published examples in the README', () => {
  it.each(['published-1.yaml', 'published-2.yaml'])('are the files themselves: %s', (name) => {
    const block = README.blocks.find(({ marks }) => marks.get('file') === name);
    expect(block?.text).toBe(readFileSync(join(ROOT, 'config/examples', name), 'utf8'));
  });
});

describe('a transcript', () => {
  it('differs by a line that is missing, another or not promised, not by versions, times and widths', () => {
    expect(firstDifference(['a', '…', 'at 0.1.0  9 s'], ['a', 'b', 'at 1.2.3    12 s'])).toBeUndefined();
    expect(firstDifference(['a'], ['b'])).toContain('promised: a');
    expect(firstDifference(['…', 'c'], ['a', 'b'])).toContain('nowhere');
    expect(firstDifference(['a'], ['a', 'b'])).toContain('not promised: b');
  });
});
