import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { GatewayError } from '#libs/kernel';
import { EXTENSION_API_VERSION, ExtensionMark, type ExtensionMeta, type ExtensionPoint } from './extension.js';
import { checkApi, checkPoint, duplicate } from './extension-check.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

interface Entry {
  readonly instance: object;
  /** Class and module, for error texts. */
  readonly where: string;
}

/**
 * All extensions of all loaded Nest modules, found by their `@Extension` mark. Built-ins and plug-ins are the same here.
 * Usable from `onModuleInit` on: the first question looks, so it does not matter whose hook runs first.
 */
@Injectable()
export class ExtensionRegistry implements OnModuleInit {
  readonly #discovery: DiscoveryService;
  readonly #log = new Logger(ExtensionRegistry.name);
  #points: ReadonlyMap<unknown, ReadonlyMap<string, Entry>> | undefined;

  constructor(discovery: DiscoveryService) {
    this.#discovery = discovery;
  }

  /** @throws GatewayError PLUGIN_INVALID: a duplicate name, an incompatible API version, a class that is not what it says */
  onModuleInit(): void {
    this.#entries();
  }

  /** @throws GatewayError PLUGIN_INVALID that lists the known names */
  get<T extends object>(point: ExtensionPoint<T>, name: string): T {
    const entry = this.#entries().get(point)?.get(name);
    if (entry) return entry.instance as T;
    const known = this.names(point).join(', ') || 'none';
    throw new GatewayError(
      'PLUGIN_INVALID',
      `There is no ${point.name} called "${name}" (known: ${known}); is its plug-in listed under plugins:?`,
    );
  }

  /** Names of a point, sorted. */
  names(point: ExtensionPoint<object>): readonly string[] {
    return [...(this.#entries().get(point)?.keys() ?? [])].sort();
  }

  /** Implementations of a point by name. */
  all<T extends object>(point: ExtensionPoint<T>): ReadonlyMap<string, T> {
    return new Map([...(this.#entries().get(point) ?? [])].map(([name, entry]) => [name, entry.instance as T]));
  }

  #entries(): ReadonlyMap<unknown, ReadonlyMap<string, Entry>> {
    this.#points ??= this.#discover();
    return this.#points;
  }

  #discover(): ReadonlyMap<unknown, ReadonlyMap<string, Entry>> {
    const points = new Map<unknown, Map<string, Entry>>();
    for (const wrapper of this.#discovery.getProviders({ metadataKey: ExtensionMark.KEY })) {
      const meta = this.#discovery.getMetadataByDecorator(ExtensionMark, wrapper);
      if (!meta) continue;
      const where = `${className(wrapper)} (module ${wrapper.host?.name ?? 'unknown'})`;
      this.#checkApi(meta, where);
      const instance = instanceOf(wrapper, meta, where);
      const names = points.get(meta.point) ?? new Map<string, Entry>();
      points.set(meta.point, names);
      const earlier = names.get(meta.name);
      if (earlier && earlier.instance !== instance) {
        throw duplicate(meta.name, meta.point.name, earlier.where, where);
      }
      names.set(meta.name, { instance, where });
    }
    return points;
  }

  #checkApi(meta: ExtensionMeta, where: string): void {
    if (checkApi(meta, where)) return;
    this.#log.warn(
      `${where} does not say which extension API it was written for; add api: '${shortVersion()}' to its Extension mark`,
    );
  }
}

function shortVersion(): string {
  return EXTENSION_API_VERSION.split('.').slice(0, 2).join('.');
}

function className(wrapper: Wrapper): string {
  return wrapper.metatype?.name || String(wrapper.name);
}

function instanceOf(wrapper: Wrapper, meta: ExtensionMeta, where: string): object {
  const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
  if (typeof instance !== 'object' || instance === null) {
    throw new GatewayError('PLUGIN_INVALID', `${where} must be a singleton: extensions cannot be request-scoped`);
  }
  checkPoint(instance, meta, where);
  return instance;
}
