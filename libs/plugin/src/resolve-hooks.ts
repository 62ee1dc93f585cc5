import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Exports by name. */
export type Namespace = Readonly<Record<string, unknown>>;

/** A second copy of these does no harm, but plug-ins need not bring one: they resolve from the gateway's folder. */
const SHARED = /^(?:@nestjs\/(?:common|core)\/.*|reflect-metadata)$/;

// These files exist only in the loader hook. As file: URLs they also work where a plug-in is CommonJS.
const DOOR_FILE = '.door.virtual.mjs';
const ENTRY_FILE = '.mcp-gateway-plugins.virtual.mjs';

const HANDOVER = Symbol.for('mcp-gateway.plugin-doors');
const requireOwn = createRequire(import.meta.url);

let installed = false;

/**
 * Makes each name of `doors` mean the exports that are given for it, in every module loaded from now on, wherever its file
 * lies and wherever the gateway has the originals from: with a second copy neither decorators nor injection tokens would
 * match. Stays for the life of the process, because plug-ins may import lazily.
 */
export function installResolveHooks(doors: Readonly<Record<string, Namespace>>): void {
  (globalThis as Record<symbol, unknown>)[HANDOVER] = doors;
  if (installed) return;
  installed = true;
  const urls = new Map(Object.keys(doors).map((name) => [name, doorUrl(name)]));
  const sources = new Map(Object.entries(doors).map(([name, exports]) => [doorUrl(name), sourceOfDoor(name, exports)]));
  registerHooks({
    resolve(specifier, context, next) {
      const url = urls.get(specifier);
      if (url !== undefined) return { url, format: 'module', shortCircuit: true };
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
      const source = sources.get(url);
      if (source !== undefined) return { format: 'module', shortCircuit: true, source };
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

function doorUrl(name: string): string {
  return new URL(`./${name.replaceAll('/', '+')}${DOOR_FILE}`, import.meta.url).href;
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
function sourceOfDoor(name: string, exports: Namespace): string {
  return `export const { ${Object.keys(exports).join(', ')} } = globalThis[Symbol.for('${HANDOVER.description}')]['${name}'];`;
}
