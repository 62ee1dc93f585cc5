import { GatewayError } from '#libs/kernel';
import { EXTENSION_API_VERSION, type ExtensionMeta } from './extension.js';

/**
 * Whether an extension was written for this gateway's contracts. False when it does not say.
 * @throws GatewayError PLUGIN_INVALID when they are others
 */
export function checkApi({ api }: ExtensionMeta, where: string): boolean {
  if (api === undefined) return false;
  const wanted = /^(\d+)\.(\d+)(?:\.\d+)?$/.exec(api);
  const [major = 0, minor = 0] = EXTENSION_API_VERSION.split('.').map(Number);
  if (wanted && Number(wanted[1]) === major && Number(wanted[2]) <= minor) return true;
  throw new GatewayError(
    'PLUGIN_INVALID',
    `${where} was written for extension API ${api}, this gateway has ${EXTENSION_API_VERSION}; ` +
      'install a version of the plug-in made for this gateway',
  );
}

/** @throws GatewayError PLUGIN_INVALID */
export function checkPoint(instance: object, { point }: ExtensionMeta, where: string): void {
  if (instance instanceof point) return;
  throw new GatewayError(
    'PLUGIN_INVALID',
    `${where} is marked as ${point.name} but does not extend it; write "class X extends ${point.name}"`,
  );
}

export function duplicate(name: string, point: string, one: string, other: string): GatewayError {
  return new GatewayError(
    'PLUGIN_INVALID',
    `Two extensions are called "${name}" for ${point}: ${one} and ${other}; rename one, or take its plug-in out of plugins:`,
  );
}
