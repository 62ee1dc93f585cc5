import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as api from '../../libs/plugin/src/api.js';
import { ROOT, startProcess, untilOutput } from '../support/processes.js';
import { Cleanup, until } from '../support/wait.js';

const COMMAND = join(ROOT, 'dist/command');

/** What the command takes from node_modules when it runs; scripts/bundle.mjs says why. */
const APART = ['undici', 'jsonc-parser'];

let folder: string;
let cleanup: Cleanup;
beforeEach(() => {
  cleanup = new Cleanup();
  folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-command-'));
  cleanup.run(() => rmSync(folder, { recursive: true, force: true }));
});
afterEach(() => cleanup.close());

/** Starts `serve` of a gateway that lies in `home`, with a plug-in's source. */
function serve(home: string, plugin: string) {
  writeFileSync(join(folder, 'plugin.mjs'), plugin);
  writeFileSync(join(folder, 'gateway.json'), JSON.stringify({ server: { port: 0 }, plugins: ['./plugin.mjs'] }));
  const args = [join(home, 'bin/mcp-gateway.js'), 'serve', '--config', join(folder, 'gateway.json')];
  return cleanup.add(startProcess(args, { MCP_GATEWAY_LOG_FORMAT: 'json' }, folder));
}

describe('the command as it is built', () => {
  it('needs none of the files it is made from, and of other packages only those that are kept apart', async () => {
    const home = join(folder, 'home');
    for (const part of ['bin', 'package.json', 'dist/command'])
      cpSync(join(ROOT, part), join(home, part), { recursive: true });
    mkdirSync(join(home, 'node_modules'));
    for (const name of APART) symlinkSync(join(ROOT, 'node_modules', name), join(home, 'node_modules', name));
    const plugin = `import { Module } from '@nestjs/common'; export default class M {} Module({ providers: [] })(M);`;
    await untilOutput(serve(home, plugin), /"msg":"listening"/);
  });

  it('gives plug-ins the very exports that it works with itself', async () => {
    const plugin = `
      import * as api from 'mcp-gateway/plugin';
      import * as common from '@nestjs/common';
      import * as core from '@nestjs/core';
      import { createRequire } from 'node:module';
      const required = createRequire(import.meta.url)('@nestjs/common');
      export default class M {
        constructor(ref, log) { this.ref = ref; this.log = log; }
        onModuleInit() {
          const names = [api, common, core].map((door) => Object.keys(door).sort());
          const one = required.Injectable === common.Injectable && this.ref instanceof core.ModuleRef;
          this.log.info({ names, one, log: this.ref.get(api.GatewayLog, { strict: false }) === this.log }, 'seen');
        }
      }
      Reflect.defineMetadata('design:paramtypes', [core.ModuleRef, api.GatewayLog], M);
      common.Module({ providers: [] })(M);`;
    const serving = serve(ROOT, plugin);
    await untilOutput(serving, /"msg":"listening"/);
    const line = serving
      .output()
      .split('\n')
      .find((text) => text.includes('"msg":"seen"'));
    const sorted = (door: object) => Object.keys(door).sort();
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      names: [sorted(api), sorted(common), sorted(core)],
      one: true,
      log: true,
    });
  });

  it('names places in the sources when it fails, on the terminal and in the log', async () => {
    const thrown = (how: string) => `import { Module } from '@nestjs/common';
      export default class M { async onModuleInit() { await null; ${how} } } Module({ providers: [] })(M);`;
    const failing = serve(ROOT, thrown(`throw new Error('defect');`));
    await until('serve gives up', () => failing.child.exitCode !== null, 60_000);
    expect(sourceLine(failing.output(), 'createGateway')).toContain('await app.listen(');

    const logging = serve(ROOT, thrown(`Promise.reject(new Error('lost'));`));
    await untilOutput(logging, /nobody waited for it/);
    expect(sourceLine(logging.output(), 'createGateway')).toContain('await app.listen(');
  });

  it('has the licence texts of what it contains', () => {
    const notices = readFileSync(join(COMMAND, 'THIRD-PARTY-LICENCES.txt'), 'utf8');
    for (const name of ['@nestjs/core', 'fastify', 'pino', 'rxjs', 'class-validator', '@modelcontextprotocol/sdk'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
    expect(notices.match(/^Permission is hereby granted/gm)?.length).toBeGreaterThan(50);
    for (const name of APART) expect(notices).not.toMatch(new RegExp(`^${name} \\d`, 'm'));
  });

  it('brings maps without the text of the sources', () => {
    const maps = readdirSync(COMMAND).filter((name) => name.endsWith('.map'));
    expect(maps.length).toBeGreaterThan(5);
    const sources = maps.flatMap((name) => {
      const map = JSON.parse(readFileSync(join(COMMAND, name), 'utf8'));
      expect(map.sourcesContent ?? []).toEqual([]);
      return map.mappings === '' ? [] : (map.sources as string[]);
    });
    expect(sources.length).toBeGreaterThan(300);
    for (const path of sources) expect([path, existsSync(join(COMMAND, path))]).toEqual([path, true]);
  });
});

/** The line of the sources that a stack names for a function. */
function sourceLine(output: string, name: string): string {
  const [, path = '', line = ''] = new RegExp(`at async ${name} \\(([^():]+\\.ts):(\\d+):\\d+\\)`).exec(output) ?? [];
  expect([output, path]).toEqual([output, expect.stringMatching(/^(?:apps|libs)\//)]);
  return readFileSync(join(ROOT, path), 'utf8').split('\n')[Number(line) - 1] ?? '';
}
