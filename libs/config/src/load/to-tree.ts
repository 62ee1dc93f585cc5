import { RESERVED_KEYS, type Tree, type TreeMap } from '../yaml/tree.js';

/** Copies plain data; leaves out what JSON would leave out, and keys that reach a prototype. */
export function toTree(value: unknown): Tree {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toTree);
  if (typeof value !== 'object' || value === null) return null;
  const map: TreeMap = {};
  for (const [key, entry] of Object.entries(value)) {
    if (entry !== undefined && !RESERVED_KEYS.has(key)) map[key] = toTree(entry);
  }
  return map;
}
