import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as nestCommon from '@nestjs/common';
import * as nestCore from '@nestjs/core';
import { GatewayError, messageOf } from '#libs/kernel';
import * as api from './api.js';
import { importerAt, installResolveHooks, isMissing } from './resolve-hooks.js';

/** A Nest module as a plug-in exports it: a class with `@Module`, or a dynamic module made from one. */
export type PluginModuleRef = nestCommon.Type<unknown> | nestCommon.DynamicModule;

/** What plug-ins have to share with the gateway. */
const DOORS = { 'mcp-gateway/plugin': api, '@nestjs/common': nestCommon, '@nestjs/core': nestCore };

export interface LoadPluginsOptions {
  /** Directory that relative paths and package names are resolved from: the one of the configuration file. */
  readonly baseDir: string;
}

/**
 * Loads the entries of `plugins:`: each a path (`./`, `../` or absolute) or the name of an installed package. A plug-in's
 * Nest modules are its default export, or else every exported class that is one. Entries load in order.
 *
 * @throws GatewayError PLUGIN_INVALID naming the entry, the cause and the next step
 */
export async function loadPlugins(entries: readonly string[], options: LoadPluginsOptions): Promise<PluginModuleRef[]> {
  if (entries.length === 0) return [];
  installResolveHooks(DOORS);
  const modules: PluginModuleRef[] = [];
  for (const entry of entries) {
    for (const found of nestModules(entry, await importEntry(entry, resolve(options.baseDir)))) {
      if (!modules.includes(found)) modules.push(found);
    }
  }
  return modules;
}

async function importEntry(entry: string, baseDir: string): Promise<Record<string, unknown>> {
  const isPath = entry.startsWith('./') || entry.startsWith('../') || isAbsolute(entry);
  const specifier = isPath ? pathToFileURL(resolve(baseDir, entry)).href : entry;
  try {
    return await importerAt(baseDir)(specifier);
  } catch (thrown) {
    throw new GatewayError('PLUGIN_INVALID', `Plug-in "${entry}" ${explain(thrown, specifier, isPath, baseDir)}`, {
      cause: thrown,
    });
  }
}

function explain(thrown: unknown, specifier: string, isPath: boolean, baseDir: string): string {
  const { code } = (thrown ?? {}) as { code?: string };
  if (code === 'ERR_UNSUPPORTED_DIR_IMPORT') {
    return 'is a directory; name its file (for example ./plugins/acme/index.js)';
  }
  if (isMissing(thrown, specifier)) {
    return isPath
      ? `was not found; paths are relative to ${baseDir}, check plugins: in the configuration`
      : `is not installed; run "npm install ${specifier}" in ${baseDir} or a directory above it, or name a file with ./`;
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return `imports something that is not installed beside it: ${messageOf(thrown)}`;
  }
  return `failed while it was loaded: ${messageOf(thrown)}; try "node --check" on its file, its stack is in the log`;
}

function nestModules(entry: string, exported: Record<string, unknown>): PluginModuleRef[] {
  const main = exported['default'];
  if (isNestModule(main)) return [main];
  const found = Object.values(exported).filter(isNestModule);
  if (found.length > 0) return found;
  const names = Object.keys(exported).join(', ') || 'nothing';
  throw new GatewayError(
    'PLUGIN_INVALID',
    `Plug-in "${entry}" exports no Nest module (it exports ${names}); put its classes into the providers of a class ` +
      'marked with Module({ providers: [...] }) and export that class',
  );
}

const MODULE_KEYS = ['providers', 'imports', 'controllers', 'exports'];

function isNestModule(value: unknown): value is PluginModuleRef {
  if (typeof value === 'function') return MODULE_KEYS.some((key) => Reflect.hasOwnMetadata(key, value));
  return typeof value === 'object' && value !== null && typeof (value as { module?: unknown }).module === 'function';
}
