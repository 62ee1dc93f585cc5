import { printable } from '../table.js';

/** `note` is worth knowing and nothing to do; `warning` and `problem` are findings. */
export type Level = 'ok' | 'note' | 'warning' | 'problem';

/** What one check says. */
export interface Finding {
  readonly level: Level;
  /** `config`, `listen`, `names`, `tokens`, an issuer, or an upstream. */
  readonly subject: string;
  /** What was found, with its cause. */
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string | undefined;
  /** Page and anchor. */
  readonly docs?: string | undefined;
}

const COLOURS: Readonly<Record<Level, string>> = { ok: '32', note: '36', warning: '33', problem: '31' };

/** One line per finding. */
export function findingLine({ level, subject, text, fix, docs }: Finding, width: number, colour: boolean): string {
  const mark = level.padEnd(7);
  const shown = colour ? `\u001b[${COLOURS[level]}m${mark}\u001b[0m` : mark;
  const rest = [oneLine(text), fix && `fix: ${oneLine(fix)}`, docs && `see ${docs}`].filter(Boolean).join('; ');
  return `${shown}  ${oneLine(subject).padEnd(width)}  ${rest}`;
}

/** Whether somebody has something to do. */
export function isFinding({ level }: Finding): boolean {
  return level === 'warning' || level === 'problem';
}

/** `2 problems, 1 warning, 4 ok`. */
export function summary(findings: readonly Finding[]): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const some = (number: number, word: string) => (number === 0 ? [] : [`${number} ${word}${number === 1 ? '' : 's'}`]);
  return [...some(count('problem'), 'problem'), ...some(count('warning'), 'warning'), `${count('ok')} ok`].join(', ');
}

/** Things named one by one before the rest is a number. */
const SHOWN = 3;

/** `a; b; c, and 4 more`. */
export function firstFew(items: readonly string[]): string {
  return `${items.slice(0, SHOWN).join('; ')}${items.length > SHOWN ? `, and ${items.length - SHOWN} more` : ''}`;
}

function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, ' ').trim();
}
