// Lists the licence of every package that is installed with the gateway. Fails on one that is not among those that can be
// shipped with an Apache-2.0 program without a second thought.
//
//   npm run -s licences            a table
//   npm run -s licences -- --json  for machines
import { readFileSync } from 'node:fs';
import { ROOT, shippedPackages } from './shipped.mjs';

const FINE = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
]);

const shipped = shippedPackages()
  .map(({ path, name, version, license }) => ({ name, version, licence: license ?? olderSpelling(path) }))
  .sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version));

/** `licenses: [{ type }]`, as old packages write it: the lock file does not take it over. */
function olderSpelling(path) {
  try {
    const { licenses = [] } = JSON.parse(readFileSync(new URL(`${path}/package.json`, ROOT), 'utf8'));
    return licenses.map(({ type }) => type).join(' OR ') || 'none stated';
  } catch {
    return 'none stated (not installed here)';
  }
}

/** `(MIT OR GPL-3.0)`: one that is fine is enough; `MIT AND Zlib`: all have to be. */
function isFine(expression) {
  const plain = expression.replace(/^\((.*)\)$/, '$1');
  if (plain.includes(' OR ')) return plain.split(' OR ').some(isFine);
  if (plain.includes(' AND ')) return plain.split(' AND ').every(isFine);
  return FINE.has(plain);
}

if (process.argv.includes('--json')) console.log(JSON.stringify(shipped, null, 2));
else for (const { name, version, licence } of shipped) console.log(`${licence.padEnd(16)} ${name} ${version}`);

const doubtful = shipped.filter(({ licence }) => !isFine(licence));
for (const { name, version, licence } of doubtful) {
  console.error(
    `licences: ${name} ${version}: ${licence}. Replace it, or decide about it and add it to scripts/licences.mjs`,
  );
}
process.exitCode = doubtful.length > 0 ? 1 : 0;
