import { compileGlob, type ObjectKind } from '#libs/kernel';
import { objectPatternFlaw } from '../fields/formats.js';

/** What a permission pattern's type stands for. A template names resources, so what is said of these is said of it. */
const KINDS: Readonly<Record<string, readonly ObjectKind[]>> = {
  tools: ['tool'],
  prompts: ['prompt'],
  resources: ['resource', 'template'],
  templates: ['template'],
  '*': ['tool', 'prompt', 'resource', 'template'],
};

/** `[type/]server:object`, taken apart. Without a type it is about tools. */
export interface PermissionPattern {
  /** As it was written. */
  readonly text: string;
  readonly kinds: readonly ObjectKind[];
  readonly server: string;
  readonly object: string;
  readonly fitsServer: (server: string) => boolean;
  readonly fitsObject: (object: string) => boolean;
}

/** `n8n:*`, `prompts/n8n:*`, `resources/n8n:file:///*`: the first ":" ends the server, a "/" before it the type. */
export function permissionPatternFlaw(pattern: string): string | undefined {
  const { type, rest } = split(pattern);
  if (Object.hasOwn(KINDS, type)) return objectPatternFlaw(rest);
  const known = Object.keys(KINDS).map((name) => `${name}/`);
  return `"${type}/" must be one of ${known.join(', ')}`;
}

/** Takes a pattern apart that has no flaw. */
export function parsePattern(text: string): PermissionPattern {
  const { type, rest } = split(text);
  const colon = rest.indexOf(':');
  const server = collapsed(rest.slice(0, colon));
  const object = collapsed(rest.slice(colon + 1));
  const kinds = KINDS[type] ?? [];
  return { text, kinds, server, object, fitsServer: compileGlob(server), fitsObject: compileGlob(object) };
}

/** How closely a pattern's part says what it means: by the letters before its first star, without one most of all. */
export function closeness(part: string): number {
  const star = part.indexOf('*');
  return star < 0 ? Number.POSITIVE_INFINITY : star;
}

/** The server part of a permission or toolset pattern. */
export function serverOfPattern(pattern: string): string {
  const { rest } = split(pattern);
  return rest.slice(0, rest.indexOf(':'));
}

function split(pattern: string): { type: string; rest: string } {
  const slash = pattern.indexOf('/');
  const colon = pattern.indexOf(':');
  const isTyped = slash >= 0 && slash < colon;
  return isTyped ? { type: pattern.slice(0, slash), rest: pattern.slice(slash + 1) } : { type: 'tools', rest: pattern };
}

function collapsed(part: string): string {
  return part.replace(/\*{2,}/g, '*');
}
