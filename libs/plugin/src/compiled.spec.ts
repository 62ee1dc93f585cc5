import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const TARGET = 'tcp-lines/tcp-lines.mjs';

/** Compiles two rooms the way the build lays them out, into a directory that is its own package. */
function compile(into: string): void {
  writeFileSync(
    join(into, 'package.json'),
    JSON.stringify({ type: 'module', imports: { '#libs/*': './libs/*/src/index.js' } }),
  );
  symlinkSync(join(REPOSITORY, 'node_modules'), join(into, 'node_modules'));
  const { config } = ts.readConfigFile(join(REPOSITORY, 'tsconfig.json'), (file) => readFileSync(file, 'utf8'));
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, REPOSITORY);
  for (const room of ['kernel', 'plugin']) {
    const source = join(REPOSITORY, 'libs', room, 'src');
    for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.spec.ts')) continue;
      const output = join(into, 'libs', room, 'src', file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(output), { recursive: true });
      const { outputText } = ts.transpileModule(readFileSync(join(source, file), 'utf8'), {
        compilerOptions: { ...options, module: ts.ModuleKind.ESNext, sourceMap: false },
        fileName: join(source, file),
      });
      writeFileSync(output, outputText);
    }
  }
}

// A gateway in small: loads the plug-in, finds its transport by discovery and makes one call through it.
const GATEWAY = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SILENT } from '#libs/kernel';
import { ExtensionRegistry, loadPlugins, PluginModule, UpstreamTransport } from '#libs/plugin';

const [baseDir, port] = process.argv.slice(2);
const plugins = await loadPlugins(['./${TARGET}'], { baseDir });
class Root {}
Module({ imports: [PluginModule, ...plugins] })(Root);
const app = await NestFactory.createApplicationContext(Root, { logger: false });
const transport = app.get(ExtensionRegistry).get(UpstreamTransport, 'tcp-lines');
const answered = Promise.withResolvers();
const target = {
  name: 'remote', type: 'tcp-lines', pool: 1, limits: { response: 1e6, event: 1e6 }, args: [], env: {},
  connectTimeout: 5000, options: { port: Number(port) }, log: SILENT,
};
const connection = await transport.connect(target, {
  listener: { onMessage: (message) => answered.resolve(message.toString()), onClose: answered.reject },
  headers: () => ({}),
  signal: new AbortController().signal,
});
connection.send(
  { id: 7, method: 'ping', body: Buffer.from('{"jsonrpc":"2.0","id":7,"method":"ping"}') },
  { onMessage() {}, onError: answered.reject },
);
console.log(await answered.promise);
await connection.close();
await app.close();
`;

describe('the compiled gateway', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'compiled-'));
    mkdirSync(join(dir, 'gateway'));
    compile(join(dir, 'gateway'));
    writeFileSync(join(dir, 'gateway/main.js'), GATEWAY);
    cpSync(join(REPOSITORY, 'test/fixtures/plugins'), join(dir, 'elsewhere'), { recursive: true });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('calls a server through a transport whose file lies outside of it', async () => {
    const { serveTcpLines } = await import('../../../test/fixtures/plugins/tcp-lines/server.mjs');
    const server = await serveTcpLines((send) => (line) => {
      send(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(line).id, result: {} }));
    });
    const run = promisify(execFile)(process.execPath, [
      join(dir, 'gateway/main.js'),
      join(dir, 'elsewhere'),
      String(server.port),
    ]);
    const { stdout } = await run.finally(() => server.close());
    expect(JSON.parse(stdout)).toEqual({ jsonrpc: '2.0', id: 7, result: {} });
  });
});
