import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, textOf } from '../support/client.js';
import { descendants, freePort, isAlive, ROOT, type Running, startProcess, untilOutput } from '../support/processes.js';
import { Cleanup, until } from '../support/wait.js';

const BIN = join(ROOT, 'bin/mcp-gateway.js');
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const run = (args: string[], cwd?: string): Running => cleanup.add(startProcess([BIN, ...args], {}, cwd));

/** Runs a command to its end. */
async function finish(...args: string[]): Promise<{ code: number | null; output: string }> {
  const command = run(args);
  await until(`${args[0]} ends`, () => command.child.exitCode !== null);
  return { code: command.child.exitCode, output: command.output() };
}

describe('the configuration of npm start', () => {
  it('serves two real servers, which the command line lists and calls, and leaves no child behind', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/mcp`;
    const serving = run(['serve', '--port', String(port)]);
    await untilOutput(serving, new RegExp(`127\\.0\\.0\\.1:${port}`));
    await until('both servers are listed', async () => {
      const { code, output } = await finish('tools', '--url', url);
      return code === 0 && /everything:echo/.test(output) && /files:read_text_file/.test(output);
    });
    const called = await finish('call', 'everything:echo', 'message=hello there', '--url', url);
    expect([called.code, called.output]).toEqual([0, expect.stringContaining('hello there')]);
    const unknown = await finish('call', 'everything:nothing', '--url', url);
    expect(unknown.code).not.toBe(0);

    const children = descendants(serving.pid);
    expect(children.length).toBeGreaterThanOrEqual(2);
    serving.child.kill('SIGINT');
    await until('everything ended', () => [serving.pid, ...children].every((pid) => !isAlive(pid)));
  });
});

describe('serve without a configuration file', () => {
  it('runs the demo: an echo, a sum, a slow tool with progress, one that asks and one that fails', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'mcp-gateway-empty-'));
    cleanup.run(() => rmSync(empty, { recursive: true, force: true }));
    const port = await freePort();
    const serving = run(['serve', '--port', String(port)], empty);
    await untilOutput(serving, new RegExp(`127\\.0\\.0\\.1:${port}`));
    const elicit = () => ({ action: 'accept' as const, content: { name: 'Ada' } });
    const peer = cleanup.add(await connect(`http://127.0.0.1:${port}/mcp`, { elicit }));
    await until('the demo is listed', async () => (await peer.tools()).length >= 5);

    expect(textOf(await peer.call('demo:echo', { message: 'hi' }))).toBe('hi');
    expect((await peer.call('demo:add', { a: 2, b: 40 })).structuredContent).toEqual({ sum: 42 });
    expect((await peer.call('demo:fail')).isError).toBe(true);
    expect(textOf(await peer.call('demo:ask'))).toContain('Hello Ada');
    const seen: number[] = [];
    const call = { name: 'demo:slow', arguments: { seconds: 0.2, steps: 2 } };
    await peer.client.callTool(call, undefined, { onprogress: ({ progress }) => seen.push(progress) });
    expect(seen).toEqual([1, 2]);
  });
});

describe('validate', () => {
  it.each(['examples/published-1.yaml', 'examples/published-2.yaml', 'config.yaml'])('accepts %s', async (file) => {
    const env = {
      OKTA_ISSUER: 'https://okta.example.com/oauth2/default',
      N8N_URL: 'http://127.0.0.1:1/mcp',
      N8N_PROXY_KEY: 'k',
    };
    const command = cleanup.add(startProcess([BIN, 'validate', '--config', join(ROOT, 'config', file)], env));
    await until('it ends', () => command.child.exitCode !== null);
    expect([command.child.exitCode, command.output()]).toEqual([0, expect.any(String)]);
  });
});

describe('import and connect', () => {
  const folder = () => {
    const path = mkdtempSync(join(tmpdir(), 'mcp-gateway-clients-'));
    cleanup.run(() => rmSync(path, { recursive: true, force: true }));
    return path;
  };
  const inFolder = async (path: string, args: string[], env: Record<string, string> = {}) => {
    const command = cleanup.add(startProcess([BIN, ...args], { HOME: path, ...env }, path));
    await until(`${args[0]} ends`, () => command.child.exitCode !== null);
    return { code: command.child.exitCode, output: command.output() };
  };

  it('make a configuration that validates out of what clients have', async () => {
    const files = join(ROOT, 'apps/gateway/src/clients/testing/public-files');
    for (const file of ['filesystem.jsonc', 'github.jsonc', 'cursor.jsonc', 'codex.toml']) {
      const path = folder();
      const { code, output } = await inFolder(path, ['import', join(files, file), '--out', 'gateway.yaml']);
      expect([file, code]).toEqual([file, 0]);
      const names = [...output.matchAll(/^ {2}([A-Z_0-9]+) {3}\(/gm)].map(([, name = '']) => [name, 'a-value']);
      const validated = await inFolder(path, ['validate', '--config', 'gateway.yaml'], Object.fromEntries(names));
      expect([file, validated]).toEqual([file, { code: 0, output: expect.stringContaining('is valid') }]);
    }
  });

  it('write the file of a client once', async () => {
    const path = folder();
    const first = await inFolder(path, ['connect', 'codex', '--write']);
    expect([first.code, first.output]).toEqual([
      0,
      expect.stringContaining(`wrote ${join(path, '.codex/config.toml')}`),
    ]);
    expect((await inFolder(path, ['connect', 'codex', '--write'])).output).toContain('has this already');
    const unknown = await inFolder(path, ['connect', 'emacs']);
    expect([unknown.code, unknown.output]).toEqual([1, expect.stringContaining('claude-code, claude-desktop, cursor')]);
  });
});
