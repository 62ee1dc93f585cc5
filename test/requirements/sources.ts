import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/processes.js';

const sources = new Map<string, string>();

export function source(path: string): string {
  const text = sources.get(path) ?? readFileSync(join(ROOT, path), 'utf8').replaceAll("\\'", "'");
  sources.set(path, text);
  return text;
}

/** Whether a file has a test of that title: the title as a literal, handed to `it` or to what `it.each` made. */
export function hasTest(path: string, title: string): boolean {
  const literal = ["'", '"', '`'].map((quote) => quote + title + quote);
  return literal.some((text) => {
    for (let at = source(path).indexOf(text); at >= 0; at = source(path).indexOf(text, at + 1)) {
      if (/\(\s*$/.test(source(path).slice(0, at)) && /^\s*,/.test(source(path).slice(at + text.length))) return true;
    }
    return false;
  });
}
