import type { Block } from './pages.js';

/** One command of a transcript and what it shows, line by line. */
export interface Step {
  readonly command: string;
  readonly shown: readonly string[];
}

/** Takes a ```` ```console ```` block apart. */
export function stepsOf({ page, line, text }: Block): readonly Step[] {
  const steps: { command: string; shown: string[] }[] = [];
  for (const row of text.trimEnd().split('\n')) {
    if (row.startsWith('$ ')) steps.push({ command: row.slice(2), shown: [] });
    else if (steps.length > 0) steps.at(-1)?.shown.push(row);
    else throw new Error(`${page}:${line} shows output before the first command`);
  }
  return steps;
}

/** What differs from run to run is a placeholder, and columns may be wider: in what is promised and in what came. */
function settled(row: string): string {
  return row
    .replace(/\b\d+\.\d+\.\d+\b(?!\.)/g, '<version>')
    .replace(/\b\d+ (?:ms|s|min|h|d)\b/g, '<time>')
    .replace(/\b\d+(?:\.\d+)? (?:[KMG]i)?B\b/g, '<size>')
    .replace(/\b[0-9a-f]{32}\b/g, '<id>')
    .replace(/ {2,}/g, '  ')
    .trimEnd();
}

/**
 * Where what came leaves what was promised; undefined where it does not. A line `…` stands for any lines, also none; every
 * other line has to come, next to the one before it.
 */
export function firstDifference(promised: readonly string[], came: readonly string[]): string | undefined {
  const rows = came.map(settled);
  let at = 0;
  for (let index = 0, anywhere = false; index < promised.length; index++) {
    const row = promised[index] ?? '';
    if (row === '…') {
      anywhere = true;
      continue;
    }
    const found = anywhere ? rows.indexOf(settled(row), at) : rows[at] === settled(row) ? at : -1;
    if (found < 0) return `promised: ${settled(row)}\ncame:     ${anywhere ? 'nowhere' : (rows[at] ?? 'the end')}`;
    at = found + 1;
    anywhere = false;
  }
  const rest = rows.slice(at).filter((row) => row !== '');
  return promised.at(-1) === '…' || rest.length === 0 ? undefined : `not promised: ${rest[0]}`;
}

const ESCAPE = String.fromCharCode(27);
const UP = new RegExp(`${ESCAPE}\\[(\\d+)A`);
const CONTROLS = new RegExp(`(${ESCAPE}\\[\\d+A|${ESCAPE}\\[0?J|\\n)`);
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;]*m|\\r`, 'g');

/** What a terminal shows after these characters: as much of one as a table needs that is redrawn in place. */
export function screen(text: string): readonly string[] {
  const rows = [''];
  for (const part of text.replace(COLOURS, '').split(CONTROLS)) {
    const up = UP.exec(part);
    if (up) {
      rows.length = Math.max(1, rows.length - Number(up[1]));
      rows[rows.length - 1] = '';
    } else if (part === '\n') rows.push('');
    else if (!part.startsWith(ESCAPE)) rows[rows.length - 1] += part;
  }
  return rows;
}
