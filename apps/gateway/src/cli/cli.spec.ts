import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { recordingTerminal } from '../testing/terminal.js';
import { runCli } from './cli.js';

afterEach(() => vi.unstubAllEnvs());

const COMMANDS = [
  'serve',
  'validate',
  'explain',
  'doctor',
  'status',
  'tools',
  'call',
  'stdio',
  'connect',
  'import',
  'completion',
];

async function run(args: readonly string[], settings: Parameters<typeof recordingTerminal>[0] = {}) {
  const { written, terminal } = recordingTerminal(settings);
  return { code: await runCli(args, terminal), ...written };
}

function has(program: string): boolean {
  try {
    execFileSync(program, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
}

/** What bash would offer after these words, the last one unfinished. */
async function offered(...words: string[]): Promise<string[]> {
  const { out } = await run(['completion', 'bash']);
  const line = ['mcp-gateway', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${out}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _mcp_gateway; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('help', () => {
  it.each(COMMANDS)('of %s shows examples that begin with the command', async (command) => {
    const { code, out } = await run([command, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\n(.*\n)*.*mcp-gateway ${command}`));
  });

  it('is coloured on a terminal, and neither for a pipe nor where NO_COLOR is set', async () => {
    expect((await run(['--help'], { outIsTty: true })).out).toContain('\u001b[1mUsage:');
    expect((await run(['--help'])).out).not.toContain('\u001b');
    vi.stubEnv('NO_COLOR', '1');
    expect((await run(['--help'], { outIsTty: true })).out).not.toContain('\u001b');
  });

  it('is pointed at by a mistake, which names the nearest command', async () => {
    const { code, err } = await run(['cal', 'x']);
    expect(code).toBe(1);
    expect(err).toMatch(/unknown command 'cal'\n.*Did you mean call\?.*\n.*--help/s);
  });
});

describe('completion', () => {
  it.runIf(has('bash'))('offers bash the commands, the options of each, and the words an argument can be', async () => {
    // All of them: a command that COMMANDS lacks has no other test of its help.
    expect(await offered('')).toEqual([...COMMANDS, '--help', '--version']);
    expect(await offered('va')).toEqual(['validate']);
    expect(await offered('call', '--')).toEqual(['--url', '--token', '--json', '--raw', '--help']);
    expect(await offered('completion', 'z')).toEqual(['zsh']);
    expect(await offered('serve', '--config', 'x')).toEqual([]);
  });

  it.runIf(has('zsh'))('is a script that zsh can read', async () => {
    const { out } = await run(['completion', 'zsh']);
    execFileSync('zsh', ['-n', '-c', out]);
  });

  it.runIf(has('fish'))('is a script that fish can read', async () => {
    const { out } = await run(['completion', 'fish']);
    execFileSync('fish', ['--no-execute', '-c', out]);
  });

  it.each(['zsh', 'fish'])('names every command to %s', async (shell) => {
    const { code, out } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`\\b${command}\\b`));
    // Every quotation mark is closed, apostrophes in descriptions aside.
    expect(out.replaceAll("\\'", '').split("'").length % 2).toBe(1);
  });

  it('says which shells there are', async () => {
    expect(await run(['completion', 'tcsh'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('bash, zsh, fish'),
    });
  });
});
