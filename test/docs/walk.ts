import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';
import { type Cleanup, until } from '../support/wait.js';
import { type Block, pageAt } from './pages.js';
import { DocShell } from './shell.js';
import { firstDifference, stepsOf } from './transcript.js';

/**
 * Makes a test of each step of a walk: the blocks of a page that are marked `walk=<name>`, in their order. One with `file=` is
 * saved under that name, one of `console` is typed, and has to show what it shows. A gateway takes a moment to notice a saved
 * file, so a command that shows something else is typed again for a while, as a person would.
 */
export function walk(page: string, name: string, cleanup: Cleanup): void {
  const blocks = pageAt(page).blocks.filter(({ marks }) => marks.get('walk') === name);
  let shell: DocShell;
  beforeAll(async () => {
    shell = await DocShell.open(cleanup);
    symlinkSync(join(ROOT, 'node_modules'), join(shell.folder, 'node_modules'));
  });

  it('has steps', () => {
    expect(blocks.length).toBeGreaterThan(1);
  });
  for (const block of blocks) {
    const file = block.marks.get('file');
    if (file !== undefined) it(`line ${block.line}: ${file} is saved`, () => save(shell, file, block));
    else
      stepsOf(block).forEach((step) => {
        const missing = missingTool(step.command);
        it.skipIf(missing !== undefined)(
          `line ${block.line}: ${step.command}${missing ? ` (no ${missing} here)` : ''}`,
          () => (isBackground(step.command) ? starts(shell, step) : shows(shell, step)),
        );
      });
  }
}

interface Shown {
  readonly command: string;
  readonly shown: readonly string[];
}

function save(shell: DocShell, file: string, { text }: Block): void {
  const path = join(shell.folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The gateway has a shell of its own; others are sent to the background as shells do. */
const isBackground = (command: string) => /\bmcp-gateway serve\b|&$/.test(command);

/** Tools a page uses that not every machine has. */
function missingTool(command: string): string | undefined {
  return ['jq', 'openssl', 'curl'].find(
    (tool) => new RegExp(`\\b${tool}\\b`).test(command) && spawnSync('which', [tool]).status !== 0,
  );
}

async function starts(shell: DocShell, { command, shown }: Shown): Promise<void> {
  const { child, text } = shell.start('sh', '-c', `exec ${command.replace(/ &$/, '')}`);
  await agreed(() => {
    if (child.exitCode !== null) throw new Error(`it ended: ${text()}`);
    return firstDifference([...shown, '…'], text().split('\n'));
  });
}

async function shows(shell: DocShell, { command, shown }: Shown): Promise<void> {
  await agreed(async () => firstDifference(shown, (await shell.run(command)).rows));
}

/** Waits until nothing differs; says what does when that does not come about. */
async function agreed(difference: () => string | undefined | Promise<string | undefined>): Promise<void> {
  let last: string | undefined;
  await until('the page is right', async () => {
    last = await difference();
    return last === undefined;
  }).catch((error: unknown) => {
    throw last === undefined ? error : new Error(last);
  });
}
