import type { Type } from '@nestjs/common';
import { GatewayError, messageOf } from '#libs/kernel';
import { ExtensionMark, type ExtensionMeta } from './extension.js';
import { checkApi, checkPoint, duplicate } from './extension-check.js';
import type { PluginModuleRef } from './loader.js';
import { SecretSource } from './secret-source.js';

/** Names that the configuration answers itself. */
const BUILT_IN = ['env', 'file'];

/**
 * The secret sources among the providers of plug-ins, made without Nest: configuration comes before the application.
 * @throws GatewayError PLUGIN_INVALID: a taken name, another API version, a class that is not what it says or wants something injected
 */
export function secretSourcesOf(modules: readonly PluginModuleRef[]): ReadonlyMap<string, SecretSource> {
  const found = new Map<string, { source: SecretSource; type: Type<unknown>; where: string }>();
  for (const module of modules) {
    for (const type of classesIn(module)) {
      const meta = Reflect.getMetadata(ExtensionMark.KEY, type) as ExtensionMeta | undefined;
      if (meta?.point !== SecretSource) continue;
      const where = `${type.name} (module ${moduleOf(module).name})`;
      const earlier = found.get(meta.name);
      if (earlier?.type === type) continue;
      if (earlier) throw duplicate(meta.name, SecretSource.name, earlier.where, where);
      if (BUILT_IN.includes(meta.name)) throw duplicate(meta.name, SecretSource.name, 'the built-in one', where);
      found.set(meta.name, { source: made(type, meta, where), type, where });
    }
  }
  return new Map([...found].map(([name, { source }]) => [name, source]));
}

function made(type: Type<unknown>, meta: ExtensionMeta, where: string): SecretSource {
  checkApi(meta, where);
  if (type.length > 0) {
    throw new GatewayError(
      'PLUGIN_INVALID',
      `${where} is a secret source, and nothing can be injected into one: its constructor takes no arguments`,
    );
  }
  let source: object;
  try {
    source = new type() as object;
  } catch (thrown) {
    throw new GatewayError('PLUGIN_INVALID', `${where} could not be made: ${messageOf(thrown)}`, { cause: thrown });
  }
  checkPoint(source, meta, where);
  return source as SecretSource;
}

function classesIn(module: PluginModuleRef): readonly Type<unknown>[] {
  const own = (Reflect.getMetadata('providers', moduleOf(module)) ?? []) as readonly unknown[];
  const dynamic = 'module' in module ? (module.providers ?? []) : [];
  return [...own, ...dynamic].flatMap((provider) => {
    const type = (provider as { useClass?: unknown } | undefined)?.useClass ?? provider;
    return typeof type === 'function' ? [type as Type<unknown>] : [];
  });
}

function moduleOf(module: PluginModuleRef): Type<unknown> {
  return typeof module === 'function' ? module : module.module;
}
