import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ROOT } from '../support/processes.js';
import type { Cleanup } from '../support/wait.js';

const DOCUMENTED_PORT = '8082';

/** What `npx mcp-gateway` is on these pages: the built command, at a port of this test's own. */
const NPX = `#!/bin/sh
[ "$1" = mcp-gateway ] || { echo "not on this page: npx $1" >&2; exit 127; }
shift
case $1 in
  tools | call | status) exec "$DOCS_NODE" "$DOCS_BIN" "$@" --url "$DOCS_URL" ;;
  *) exec "$DOCS_NODE" "$DOCS_BIN" "$@" ;;
esac
`;

/** A shell to type the commands of a page into. Its gateways listen at a free port, and pages never notice. */
export class DocShell {
  private constructor(
    private readonly cleanup: Cleanup,
    /** Its working folder. */
    readonly folder: string,
    readonly port: number,
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  /** In a folder of its own, which is its HOME too, unless another one is to be its working folder. */
  static async open(cleanup: Cleanup, folder?: string): Promise<DocShell> {
    const home = mkdtempSync(join(tmpdir(), 'mcp-gateway-docs-'));
    cleanup.run(() => rmSync(home, { recursive: true, force: true }));
    const bin = join(home, '.bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'npx'), NPX);
    chmodSync(join(bin, 'npx'), 0o755);
    const port = await freePort();
    return new DocShell(cleanup, folder ?? home, port, {
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: home,
      TERM: 'xterm',
      MCP_GATEWAY_PORT: String(port),
      DOCS_NODE: process.execPath,
      DOCS_BIN: join(ROOT, 'bin/mcp-gateway.js'),
      DOCS_URL: `http://127.0.0.1:${port}/mcp`,
    });
  }

  /** Starts a command that goes on, and ends it with the test. */
  start(file: string, ...args: string[]): { child: ChildProcess; ended: Promise<unknown>; text(): string } {
    const child = spawn(file, args, { cwd: this.folder, env: this.env, stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = once(child, 'exit');
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
    }
    this.cleanup.run(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await ended;
    });
    return { child, ended, text: () => this.asDocumented(text) };
  }

  /** Types a command and waits for its end. */
  async run(command: string): Promise<{ code: number | null; rows: readonly string[] }> {
    const { child, text } = this.start('sh', '-c', command);
    await once(child, 'close');
    return { code: child.exitCode, rows: text().trimEnd().split('\n') };
  }

  /** As the page has it, whose port needs no flag. */
  asDocumented(text: string): string {
    const { DOCS_URL: url = '' } = this.env;
    return text.replaceAll(` --url ${url}`, '').replaceAll(String(this.port), DOCUMENTED_PORT);
  }
}
