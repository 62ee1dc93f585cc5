import 'reflect-metadata';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as nestCommon from '@nestjs/common';
import * as nestCore from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import * as api from './api.js';
import * as index from './index.js';
import { ExtensionRegistry, loadPlugins, PluginModule, UpstreamTransport } from './index.js';

const EXAMPLES = resolve(import.meta.dirname, '../../../examples/plugins');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'plugins-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(name: string, source: string): void {
  mkdirSync(join(dir, name, '..'), { recursive: true });
  writeFileSync(join(dir, name), source);
}

async function refusal(...entries: string[]): Promise<GatewayError> {
  const thrown = await loadPlugins(entries, { baseDir: dir }).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(GatewayError);
  expect((thrown as GatewayError).code).toBe('PLUGIN_INVALID');
  return thrown as GatewayError;
}

const MODULE = `import { Module } from '@nestjs/common';
export class Acme {}
Module({ providers: [] })(Acme);`;

describe('loadPlugins', () => {
  it('lets a file outside the gateway use the gateway’s own contracts and Nest', async () => {
    cpSync(join(EXAMPLES, 'tcp-lines/index.js'), join(dir, 'tcp-lines.mjs'));
    const modules = await loadPlugins(['./tcp-lines.mjs'], { baseDir: dir });

    @nestCommon.Module({ imports: [PluginModule, ...modules] })
    class Root {}
    const app = await nestCore.NestFactory.createApplicationContext(Root, { logger: false });
    const registry = app.get(ExtensionRegistry);
    expect(registry.names(UpstreamTransport)).toEqual(['tcp-lines']);
    expect(registry.get(UpstreamTransport, 'tcp-lines')).toBeInstanceOf(UpstreamTransport);
    await app.close();
  });

  it('hands plug-ins the same classes, in ES modules and in CommonJS', async () => {
    put(
      'esm.mjs',
      `import * as door from 'mcp-gateway/plugin'; import * as common from '@nestjs/common';
      import * as core from '@nestjs/core'; import 'reflect-metadata';
      export default class M { static seen = { door, common, core } } common.Module({ providers: [] })(M);`,
    );
    put(
      'common.cjs',
      `const door = require('mcp-gateway/plugin'), common = require('@nestjs/common'), core = require('@nestjs/core');
      class M { static seen = { door, common, core } } common.Module({ providers: [] })(M); exports.M = M;`,
    );
    for (const module of await loadPlugins(['./esm.mjs', './common.cjs'], { baseDir: dir })) {
      const { seen } = module as unknown as { seen: { door: typeof api; common: object; core: object } };
      expect(seen.door.UpstreamTransport).toBe(UpstreamTransport);
      expect(seen.door.GatewayError).toBe(GatewayError);
      expect({ ...seen.common }).toEqual({ ...nestCommon });
      expect({ ...seen.core }).toEqual({ ...nestCore });
    }
  });

  it('injects what the gateway has of Nest into a plug-in', async () => {
    put(
      'injected.mjs',
      `import { Module } from '@nestjs/common'; import { ModuleRef } from '@nestjs/core';
      class Curious { constructor(ref) { this.ref = ref; } }
      Reflect.defineMetadata('design:paramtypes', [ModuleRef], Curious);
      export default class M { static Curious = Curious; } Module({ providers: [Curious] })(M);`,
    );
    const [module] = await loadPlugins(['./injected.mjs'], { baseDir: dir });
    const app = await nestCore.NestFactory.createApplicationContext(module!, { logger: false });
    const { Curious } = module as unknown as { Curious: nestCommon.Type<{ ref: unknown }> };
    expect(app.get(Curious).ref).toBeInstanceOf(nestCore.ModuleRef);
    await app.close();
  });

  it('offers plug-ins nothing that the room itself does not export', () => {
    expect(Object.keys(index)).toEqual(expect.arrayContaining(Object.keys(api)));
  });

  it('resolves package names from the base directory, also packages that only have an import condition', async () => {
    put(
      'node_modules/acme-plugin/package.json',
      '{"name":"acme-plugin","type":"module","exports":{"import":"./m.js"}}',
    );
    put('node_modules/acme-plugin/m.js', MODULE);
    const [module] = await loadPlugins(['acme-plugin'], { baseDir: dir });
    expect((module as { name: string }).name).toBe('Acme');
  });

  it('takes the default export, else every exported class that is a Nest module, each once', async () => {
    put('one.mjs', `${MODULE}\nexport class Other {} Module({ imports: [] })(Other); export default Other;`);
    put(
      'all.mjs',
      `${MODULE}\nexport class Other {} Module({ imports: [] })(Other); export class Plain {} export const n = 1;`,
    );
    put('dynamic.mjs', `${MODULE}\nexport default { module: Acme, providers: [] };`);
    const names = async (entry: string) =>
      (await loadPlugins([entry, entry], { baseDir: dir })).map((m) => ('module' in m ? m.module.name : m.name));
    expect(await names('./one.mjs')).toEqual(['Other']);
    expect(await names('./all.mjs')).toEqual(['Acme', 'Other']);
    expect(await names('./dynamic.mjs')).toEqual(['Acme']);
  });

  it('accepts absolute paths and paths with special characters', async () => {
    put('a b#%41/acme.mjs', MODULE);
    expect(
      await loadPlugins([join(dir, 'a b#%41/acme.mjs'), './a b#%41/acme.mjs'], { baseDir: '/' }).catch(String),
    ).toMatch(/not found/);
    expect(await loadPlugins(['./a b#%41/acme.mjs'], { baseDir: dir })).toHaveLength(1);
  });

  it('loads nothing and installs nothing for an empty list', async () => {
    expect(await loadPlugins([], { baseDir: '/does-not-exist' })).toEqual([]);
  });

  it.each([
    ['a missing file', './gone.mjs', undefined, /"\.\/gone\.mjs" was not found; paths are relative to .*plugins-/],
    ['a missing package', 'gone-plugin', undefined, /is not installed; run "npm install gone-plugin"/],
    ['a directory', './folder', 'folder/x.mjs', /is a directory; name its file/],
    [
      'a module without a Nest module',
      './plain.mjs',
      'export class X {}; export const y = 1;',
      /exports no Nest module \(it exports X, y\)/,
    ],
    ['a file that throws', './throws.mjs', 'throw new Error("no licence")', /failed while it was loaded: no licence/],
    ['a syntax error', './syntax.mjs', 'export clas X {}', /failed while it was loaded/],
    ['a missing dependency', './needs.mjs', 'import "left-out";', /imports something that is not installed.*left-out/],
    [
      'an import the door does not have',
      './wrong.mjs',
      'import { Nope } from "mcp-gateway/plugin";',
      /failed while.*Nope/,
    ],
  ])('says what is wrong with %s', async (_what, entry, source, message) => {
    if (source?.startsWith('folder/')) put(source, '');
    else if (source !== undefined) put(entry, source);
    const error = await refusal(entry);
    expect(error.message).toMatch(message);
    if (!/exports no Nest/.test(error.message)) expect(error.cause).toBeDefined();
  });
});
