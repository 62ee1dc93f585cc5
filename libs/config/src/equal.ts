import { Secret } from '#libs/kernel';

/** Deep equality of configuration values; Secrets by what they hold. */
export function equalConfig(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Secret || b instanceof Secret) {
    return a instanceof Secret && b instanceof Secret && a.reveal() === b.reveal();
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [definedEntries(a), definedEntries(b)];
  return (
    left.size === right.size && [...left].every(([key, value]) => right.has(key) && equalConfig(value, right.get(key)))
  );
}

/** A member that is absent and one that is undefined say the same. */
function definedEntries(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined));
}
