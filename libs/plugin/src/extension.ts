import { applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';

/** Version of the extension contracts below. A plug-in names the range it was written for. */
export const EXTENSION_API_VERSION = '1.1.0';

/** An extension point: the abstract class is both the contract and the key under which implementations are found. */
// biome-ignore lint/suspicious/noExplicitAny: the type of "any abstract class" needs it
export type ExtensionPoint<T> = abstract new (...args: any[]) => T;

export interface ExtensionMeta {
  readonly point: ExtensionPoint<unknown>;
  /** What the configuration calls it, e.g. a transport's `type`. */
  readonly name: string;
  /** Extension API the class was written for, as `major.minor`; the major must be equal, the minor not newer. */
  readonly api?: string;
}

/** Metadata key through which the registry discovers extensions. */
export const ExtensionMark = DiscoveryService.createDecorator<ExtensionMeta>();

/**
 * Marks a class as an implementation of an extension point, e.g. `@Extension(UpstreamTransport, { name: 'stdio' })`.
 * Put the class into the `providers` of any Nest module the gateway loads; nothing has to be registered or exported.
 */
export function Extension<T>(point: ExtensionPoint<T>, meta: { name: string; api?: string }): ClassDecorator {
  return applyDecorators(Injectable(), ExtensionMark({ point, ...meta }) as ClassDecorator);
}
