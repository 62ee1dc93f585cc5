import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Lru } from './lru.js';

/** The folder of the file this code was built into. */
const HERE = dirname(fileURLToPath(import.meta.url));

const PLACE = /file:\/\/\/\S+?\.js:\d+:\d+/g;

/** Translated places. A map is megabytes once it is read, so the answers are kept and it is not. */
const known = new Lru<string, string>(1000);

/**
 * A stack whose places in the built files of `folder` are those in the sources (`libs/kernel/src/lru.ts:20:5`), as far as the
 * maps beside these files know them. For whoever prints one. Node could do it for every stack, but would read all maps at
 * the start and keep them.
 */
export function sourceStack(stack: string, folder = HERE): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replace(PLACE, (place) => {
    const before = known.get(place);
    if (before !== undefined) return before;
    const [, url = '', line, column] = /^(.+):(\d+):(\d+)$/.exec(place) ?? [];
    const file = fileURLToPath(url);
    if (dirname(file) !== folder) return place;
    if (!maps.has(file)) maps.set(file, readMap(file));
    const found = translated(maps.get(file), Number(line) - 1, Number(column) - 1) ?? place;
    known.set(place, found);
    return found;
  });
}

/** Undefined where there is none: a stack that cannot be translated is still a stack. */
function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Undefined for other people's code, which the maps leave out: what they find for it is the last place of ours before. */
function translated(map: SourceMap | undefined, line: number, column: number): string | undefined {
  const entry = map?.findEntry(line, column);
  if (!entry || !('originalSource' in entry) || entry.generatedLine !== line) return undefined;
  const source = entry.originalSource.replace(/^(?:\.\.\/)+/, '');
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}
