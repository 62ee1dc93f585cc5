// Prints the bill of materials of what is installed with the gateway, in CycloneDX.
//
//   npm run -s sbom > mcp-gateway.cdx.json
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ROOT, shippedPackages } from './shipped.mjs';

// Of everything, because `npm sbom --omit=dev` leaves out packages that development tools use as well.
const text = execFileSync(
  'npm',
  ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'],
  {
    cwd: fileURLToPath(ROOT),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  },
);
const bom = JSON.parse(text);
const root = bom.metadata.component;
// npm names it after the folder of the checkout.
root.name = nameOf(root['bom-ref']);

// What only development needs of what is installed anyway is no dependency of the gateway.
const declared = new Set(Object.keys(JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')).dependencies));
const shipped = new Set(shippedPackages().map(({ name, version }) => `${name}@${version}`));
bom.components = bom.components.filter((component) => shipped.has(component['bom-ref']));
bom.dependencies = bom.dependencies
  .filter(({ ref }) => ref === root['bom-ref'] || shipped.has(ref))
  .map(({ ref, dependsOn = [] }) => {
    const wanted = ref === root['bom-ref'] ? (one) => declared.has(nameOf(one)) : (one) => shipped.has(one);
    return { ref, dependsOn: dependsOn.filter(wanted) };
  });

const listed = new Set(bom.components.map((component) => component['bom-ref']));
const missing = [...shipped].filter((one) => !listed.has(one));
if (missing.length > 0) {
  console.error(`sbom: npm did not list ${missing.join(', ')}; is package-lock.json the one of package.json?`);
  process.exit(1);
}
console.log(JSON.stringify(bom, null, 2));

function nameOf(ref) {
  return ref.slice(0, ref.lastIndexOf('@'));
}
