import { isObject } from '#libs/kernel';

/** A parsed document: what JSON could hold. Maps are plain objects; keys that reach a prototype never get in. */
export type Tree = string | number | boolean | null | Tree[] | TreeMap;
export interface TreeMap {
  [key: string]: Tree;
}

/** Keys that would touch an object's prototype; refused wherever they stand. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export function isTreeMap(value: unknown): value is TreeMap {
  return isObject(value);
}

/** What to call a value in a message to its author. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : JSON.stringify(value);
  return String(value);
}
