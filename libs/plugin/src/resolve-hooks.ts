import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What plug-ins import from us, and the shared packages they must not bring a second copy of. */
const DOOR = 'mcp-gateway/plugin';
const SHARED = /^(?:@nestjs\/common(?:\/.*)?|reflect-metadata)$/;

// Both files exist only in the loader hook. As file: URLs they also work where a plug-in is CommonJS.
const DOOR_URL = new URL('./plugin-door.virtual.mjs', import.meta.url).href;
const ENTRY_FILE = '.mcp-gateway-plugins.virtual.mjs';

const HANDOVER = Symbol.for('mcp-gateway.plugin-door');
const requireOwn = createRequire(import.meta.url);

let installed = false;

/**
 * Makes `mcp-gateway/plugin`, `@nestjs/common` and `reflect-metadata` mean the gateway's own copies in every module
 * loaded from now on, wherever its file lies: with a second copy neither decorators nor injection tokens would match.
 * Stays for the life of the process, because plug-ins may import lazily.
 */
export function installResolveHooks(door: Readonly<Record<string, unknown>>): void {
  (globalThis as Record<symbol, unknown>)[HANDOVER] = door;
  if (installed) return;
  installed = true;
  const doorSource = sourceOfDoor(Object.keys(door));
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === DOOR) return { url: DOOR_URL, format: 'module', shortCircuit: true };
      if (specifier.endsWith(ENTRY_FILE)) {
        return { url: pathToFileURL(specifier).href, format: 'module', shortCircuit: true };
      }
      if (!SHARED.test(specifier) || context.parentURL === import.meta.url) return next(specifier, context);
      if (!context.conditions.includes('require')) {
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
      // require() takes no other parent, so it is resolved here.
      return { url: pathToFileURL(requireOwn.resolve(specifier)).href, shortCircuit: true };
    },
    load(url, context, next) {
      if (url === DOOR_URL) return { format: 'module', shortCircuit: true, source: doorSource };
      if (url.endsWith(ENTRY_FILE)) {
        return {
          format: 'module',
          shortCircuit: true,
          source: 'export const load = (specifier) => import(specifier);',
        };
      }
      return next(url, context);
    },
  });
}

/** An `import()` that resolves packages and relative paths as a file in `directory` would. Needs the hooks. */
export function importerAt(directory: string): (specifier: string) => Promise<Record<string, unknown>> {
  const entry: { load(specifier: string): Promise<Record<string, unknown>> } = requireOwn(join(directory, ENTRY_FILE));
  return entry.load;
}

/** True when the failed resolution was for `specifier` itself, not for something the plug-in imports. */
export function isMissing(thrown: unknown, specifier: string): boolean {
  const { code, message = '', url } = (thrown ?? {}) as { code?: string; message?: string; url?: string };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  const plain = specifier.startsWith('file:') ? fileURLToPath(specifier) : specifier;
  return url === specifier || message.includes(`'${plain}'`);
}

// Named imports need the names in the text; the values are the gateway's own, so there is never a second instance.
function sourceOfDoor(names: readonly string[]): string {
  return `const door = globalThis[Symbol.for('mcp-gateway.plugin-door')];\n${names
    .map((name) => `export const ${name} = door.${name};`)
    .join('\n')}`;
}
