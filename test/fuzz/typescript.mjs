// Lets Node run the TypeScript of this folder as it is, on the built gateway: what a module here imports from libs/ or apps/
// comes from dist/, so that the very files that are shipped are what gets the bad input. Types still come from the sources.
import { registerHooks } from 'node:module';

const root = new URL('../../', import.meta.url).href;

/** `file:…/libs/x/src/y.js` -> `file:…/dist/libs/x/src/y.js`; `….js` of test/ -> `….ts`. */
function whereItIs(url) {
  if (!url.startsWith(root)) return url;
  const path = url.slice(root.length);
  if (/^(?:libs|apps)\//.test(path)) return `${root}dist/${path}`;
  return path.startsWith('test/') ? url.replace(/\.js$/, '.ts') : url;
}

registerHooks({
  resolve(specifier, context, next) {
    const relative = specifier.startsWith('.') && context.parentURL?.startsWith(`${root}test/`);
    return next(relative ? whereItIs(new URL(specifier, context.parentURL).href) : specifier, context);
  },
});
