import { Secret } from '#libs/kernel';
import { isTreeMap, type Tree } from '../yaml/tree.js';
import type { Path } from './path.js';

const SECRET_NAME = /(?:^|[_-])(?:secret|token|password|passphrase|credential|key|pem|value)s?$/i;

/**
 * Settings only a plug-in knows: texts whose key says that they are secret become Secrets. Not those that merely name
 * one (`private_key_id`) and not URLs of endpoints (`token_url`).
 */
export function sealSecrets(value: Tree, path: Path, found: (path: Path) => void): unknown {
  if (Array.isArray(value)) return value.map((entry, index) => sealSecrets(entry, [...path, index], found));
  if (isTreeMap(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, sealSecrets(entry, [...path, key], found)]),
    );
  }
  const key = path.findLast((part) => typeof part === 'string');
  if (typeof value !== 'string' || !SECRET_NAME.test(key ?? '')) return value;
  found(path);
  return new Secret(value);
}
