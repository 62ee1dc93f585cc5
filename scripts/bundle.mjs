// Makes the command that bin/mcp-gateway.js starts: dist/ and the packages it uses in a few files, dist/command/. Node finds
// and reads some two thousand files one by one otherwise, which was half of a start and a sixth of the memory.
//
//   node scripts/bundle.mjs      after `nest build`; `npm run build` does both
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { noticesOf, packagesOf } from './notices.mjs';
import { shippedPackages } from './shipped.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const BUILT = join(ROOT, 'dist');
const COMMAND = join(BUILT, 'command');
const PACKAGES = join(ROOT, 'node_modules');

/** Packages that stay what they are. */
const APART = [
  // Loaded in parts, by path, on the way of every call: the whole of it, for the rest, has to be the same copy.
  'undici',
  // Its entry for Node takes `require` as an argument, which no bundler can follow.
  'jsonc-parser',
];

const shipped = shippedPackages();
const shippedNames = new Set(shipped.map(({ name }) => name));
const shippedPaths = new Set(shipped.map(({ path }) => join(path)));

const build = await rolldown({
  cwd: ROOT,
  platform: 'node',
  input: { main: join(BUILT, 'apps/gateway/src/main.js') },
  external: (id, importer) => APART.includes(nameOf(id)) || isOptional(id, importer),
  // As modules, of which only the rules we use are taken: its entry for Node is CommonJS and loads every telephone number plan.
  resolve: { alias: { 'class-validator': join(PACKAGES, 'class-validator/esm2015/index.js') } },
  plugins: [{ name: 'positions', load: withPositions }],
  onLog: judge,
});
rmSync(COMMAND, { recursive: true, force: true });
const { output } = await build.write({
  dir: COMMAND,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  // Errors, logs and Nest name classes, and two files may have one of the same name.
  keepNames: true,
  // Licences are in a file of their own, types have been checked.
  comments: { legal: true, jsdoc: false, annotation: false },
  sourcemap: true,
  sourcemapExcludeSources: true,
});
await build.close();

const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
const inside = packagesOf(modules.filter((id) => id.startsWith(PACKAGES + sep)));
const undeclared = inside.map((folder) => relative(ROOT, folder)).filter((path) => !shippedPaths.has(path));
if (undeclared.length > 0) throw new Error(`only development has ${undeclared}: declare it among the dependencies`);
writeFileSync(join(COMMAND, 'THIRD-PARTY-LICENCES.txt'), noticesOf(inside));

/** Positions in what is built here lead to our sources; for other people's code there are none, which keeps the maps small. */
function withPositions(id) {
  if (!/\.[cm]?js$/.test(id)) return null;
  if (id.startsWith(PACKAGES + sep)) return { code: readFileSync(id, 'utf8'), map: { mappings: '' } };
  if (!id.startsWith(BUILT + sep)) return null;
  return { code: readFileSync(id, 'utf8'), map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
}

/** What packages have a use for only where it is installed, which it is not beside a gateway. */
function isOptional(id, importer) {
  if (!importer?.startsWith(PACKAGES + sep) || /^[.#]/.test(id) || isAbsolute(id)) return false;
  return !shippedNames.has(nameOf(id)) || isForPipes(id, importer);
}

/** Nest loads these, in whole, when one of its pipes is made: the gateway makes none, a plug-in may. */
function isForPipes(id, importer) {
  return /^class-(?:transformer|validator)$/.test(id) && importer.startsWith(join(PACKAGES, '@nestjs/common') + sep);
}

function nameOf(id) {
  return id.split('/', id.startsWith('@') ? 2 : 1).join('/');
}

function judge(level, { message, code, id }) {
  if (level === 'warn') throw new Error(`${message} (${code}${id ? ` in ${relative(ROOT, id)}` : ''})`);
}
