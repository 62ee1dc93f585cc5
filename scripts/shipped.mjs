import { readFileSync } from 'node:fs';

export const ROOT = new URL('../', import.meta.url);

/** Everything that is installed with the gateway, as package-lock.json knows it: `{ path, name, version, license }`. */
export function shippedPackages() {
  const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { dev, link }]) => path !== '' && !dev && !link)
    .map(([path, { version, license }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { path, name, version, license };
    });
}
