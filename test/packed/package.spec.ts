import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installed, installPacked } from '../support/packed.js';
import { freePort, ROOT, untilOutput } from '../support/processes.js';
import { until } from '../support/wait.js';

const PATIENCE = 60_000;

let installed: Installed;
beforeAll(() => {
  installed = installPacked(['@types/node']);
});
afterAll(() => installed?.close());

describe('the tarball', () => {
  it('has what the package promises', () => {
    const { bin, exports, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const promised = [...Object.values(bin), ...Object.values(exports).flatMap((target) => leaves(target))];
    expect(promised.length).toBeGreaterThan(5);
    for (const path of promised) expect(installed.files).toContain(String(path).replace(/^\.\//, ''));
    for (const path of files.filter((path: string) => !path.startsWith('!'))) {
      expect(installed.files.filter((file) => file === path || file.startsWith(`${path}/`))).not.toEqual([]);
    }
    for (const path of ['README.md', 'LICENSE', 'package.json']) expect(installed.files).toContain(path);
  });

  it('has neither sources nor tests', () => {
    expect(
      installed.files.filter((path) => /\.spec\.|^(?:apps|libs|test|bench|scripts|node_modules)\//.test(path)),
    ).toEqual([]);
    // These name places in the sources for whoever reports a defect, and have no text of theirs.
    expect(installed.files.filter((path) => path.endsWith('.map') && !path.startsWith('dist/command/'))).toEqual([]);
    expect(installed.files.filter((path) => /(?<!\.d)\.ts$/.test(path))).toEqual([]);
  });
});

describe('in an empty folder with the package installed', () => {
  it('serve answers call: no file, no network', async () => {
    const port = await freePort();
    const serving = installed.npx(['mcp-gateway', 'serve'], { MCP_GATEWAY_PORT: String(port) });
    await untilOutput(serving, new RegExp(`127\\.0\\.0\\.1:${port}`));
    const url = `http://127.0.0.1:${port}/mcp`;
    await until(
      'the sum of the demo',
      async () => {
        const call = installed.npx(['mcp-gateway', 'call', 'demo:add', 'a=2', 'b=3', '--url', url]);
        await until('the call ends', () => call.child.exitCode !== null);
        return call.output().includes('2 + 3 = 5');
      },
      PATIENCE,
    );
  }, 120_000);
});

describe('the types of the package', () => {
  /** Compiles a file as a stranger's strict project does; what the compiler says. */
  const compile = (source: string): string => {
    writeFileSync(join(installed.folder, 'typed.ts'), source);
    const options = {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      experimentalDecorators: true,
      skipLibCheck: true,
      noEmitOnError: true,
      customConditions: ['source'],
      types: ['node'],
      outDir: 'compiled',
    };
    writeFileSync(join(installed.folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(installed.folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['typed.ts'] }),
    );
    try {
      execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', installed.folder], {
        encoding: 'utf8',
      });
      return '';
    } catch (thrown) {
      return String((thrown as { stdout?: string }).stdout);
    }
  };

  it('let the example of docs/extending.md compile, and the gateway loads what comes out', async () => {
    const page = readFileSync(join(ROOT, 'docs/extending.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
    expect(example).toContain('extends CallPolicy');
    expect(compile(example)).toBe('');
    writeFileSync(join(installed.folder, 'gateway.yaml'), 'plugins: [./compiled/typed.js]\n');
    const validating = installed.npx(['mcp-gateway', 'validate', '--config', 'gateway.yaml']);
    await until('validate ends', () => validating.child.exitCode !== null, PATIENCE);
    expect([validating.child.exitCode, validating.output()]).toEqual([0, expect.stringContaining('is valid')]);
  }, 180_000);

  it('refuse what the contracts do not say', () => {
    const wrong = compile(`
      import { CallPolicy, GatewayError, principal, UpstreamCredential } from 'mcp-gateway/plugin';
      import { describeCallPolicy } from 'mcp-gateway/plugin/testing';
      export class A extends CallPolicy { override before() { return { effect: 'perhaps' as const }; } }
      export class B extends UpstreamCredential {}
      export const c = new GatewayError('NO_SUCH_CODE', 'x');
      export const d: number = principal('i', 's').subject;
      describeCallPolicy('a', () => ({ policy: new A() }));
    `);
    const lines = wrong.split('\n').filter((line) => line.includes('typed.ts('));
    expect(lines.map((line) => /typed\.ts\((\d+),/.exec(line)?.[1])).toEqual(['4', '5', '6', '7', '8']);
  }, 180_000);
});

function leaves(target: unknown): unknown[] {
  return typeof target === 'object' && target !== null ? Object.values(target).flatMap(leaves) : [target];
}
