import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { descendants, isAlive, ROOT } from '../support/processes.js';
import { http } from '../support/raw.js';
import { Cleanup, until } from '../support/wait.js';
import { pageAt } from './pages.js';
import { DocShell } from './shell.js';
import { firstDifference, type Step, screen, stepsOf } from './transcript.js';

const README = pageAt('README.md');
const [start, ...others] = README.blocks.filter(({ language }) => language === 'console').flatMap(stepsOf) as [
  Step,
  ...Step[],
];
const hasTerminals = spawnSync('script', ['--version']).status === 0;

const cleanup = new Cleanup();
afterAll(() => cleanup.close());

const shell = await DocShell.open(cleanup, ROOT);

/** What `npm start` runs, once `npm ci` and the build are done. */
function startScript(): string {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['prestart']).toBe('npm run build');
  return (scripts['start'] ?? '').replace(/^node /, `${process.execPath} `);
}

/** `npm start`, in a terminal of its own where the machine can make one. */
function started() {
  const script = startScript();
  return hasTerminals
    ? shell.start('script', '-qec', `stty cols 120; exec ${script}`, '/dev/null')
    : shell.start('sh', '-c', `exec ${script}`);
}

describe('the quick start of the README', () => {
  const first = started();

  it('begins with what npm start does', () => {
    expect(start.command).toBe('npm ci && npm start');
    expect(others.length).toBeGreaterThanOrEqual(3);
  });

  it('has come up when the second shell begins', async () => {
    await until('the gateway lists both servers', async () => {
      const { code, rows } = await shell.run('npx mcp-gateway status everything files');
      return code === 0 && rows.length > 3;
    });
  });

  it.skipIf(!hasTerminals)(`shows what the page shows${hasTerminals ? '' : ' (no script command here)'}`, async () => {
    let difference: string | undefined;
    await until('the table is complete', () => {
      difference = firstDifference([...start.shown, '…'], screen(first.text()));
      return difference === undefined;
    }).catch(() => undefined);
    expect(difference).toBeUndefined();
  });

  it.each(others.map((step) => [step.command, step] as const))('%s', async (command, step) => {
    const { code, rows } = await shell.run(command);
    expect(firstDifference(step.shown, rows)).toBeUndefined();
    expect(code).toBe(0);
  });

  it('has every endpoint of the table but what oauth brings', async () => {
    const rows = [...README.prose.matchAll(/^\| `(\/[^`]*)` \| ([^|]+) \|/gm)];
    const paths = rows.map(([, path = '']) => path.replace('<name>', 'files'));
    expect(paths).toEqual(expect.arrayContaining(['/mcp', '/mcp/files', '/live', '/ready', '/metrics']));
    for (const path of paths.filter((path) => !path.startsWith('/.well-known'))) {
      const { status } = await http(`http://127.0.0.1:${shell.port}${path}`, { method: 'GET' });
      expect([path, status]).toEqual([path, path.startsWith('/mcp') ? expect.not.toBeOneOf([404, 500]) : 200]);
    }
  });

  it('says what stands in the way of a second one', async () => {
    const { code, rows } = await shell.run('npx mcp-gateway serve');
    expect(code).toBe(1);
    expect(README.prose).toContain(`\`${rows.find((row) => row.startsWith('mcp-gateway: port'))}\``);
  });

  it.skipIf(!hasTerminals)('ends with Ctrl-C, and everything it started with it', async () => {
    const below = descendants(first.child.pid ?? 0);
    expect(below.length).toBeGreaterThanOrEqual(3);
    first.child.stdin?.write('\u0003');
    await first.ended;
    await until('everything has ended', () => below.every((pid) => !isAlive(pid)));
  });

  it('says what stands in the way when nothing is started', async () => {
    const { code, rows } = await shell.run('npx mcp-gateway tools');
    const said = rows.join('\n');
    expect([code, said]).toEqual([1, expect.stringMatching(/^mcp-gateway: nothing answers at .*\?/)]);
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
