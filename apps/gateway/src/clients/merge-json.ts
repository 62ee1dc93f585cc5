import { isDeepStrictEqual } from 'node:util';
import { applyEdits, type FormattingOptions, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { isObject } from '#libs/kernel';
import { UsageError } from '../client/arguments.js';
import { PLACE_FIELDS, type ServerFields } from './known-clients.js';

/** Reads JSON, with comments and trailing commas where somebody wrote them. @throws UsageError that names line and column */
export function readJson(text: string, file: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {};
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first) {
    const before = text.slice(0, first.offset).split('\n');
    const place = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    throw new UsageError(`${file}:${place} is no JSON (${printParseErrorCode(first.error)}); mend it first`);
  }
  if (!isObject(value)) throw new UsageError(`${file} holds no JSON object; mend it first`);
  return value;
}

/**
 * The text with this server in it. Everything else stays as it is, comments and order included; of an entry that is there
 * already, what a person added to it stays too.
 * @throws UsageError when the file cannot be merged into
 */
export function mergeJson(
  text: string,
  at: readonly [section: string, name: string],
  server: ServerFields,
  file: string,
) {
  const [section, name] = at;
  const root = readJson(text, file);
  const servers = root[section] ?? {};
  if (!isObject(servers)) throw new UsageError(`${section} in ${file} is no object; mend it first`);
  const present = Object.hasOwn(servers, name) ? servers[name] : undefined;
  const formattingOptions = formattingOf(text);
  // In front of the others: behind them, the line of the last one would be written anew.
  const set = (before: string, path: string[], value: unknown) =>
    applyEdits(before, modify(before, path, value, { formattingOptions, getInsertionIndex: () => 0 }));
  if (!isObject(present)) return ended(set(text, [section, name], server), formattingOptions);
  let merged = text;
  for (const field of PLACE_FIELDS) {
    if (field in present && !(field in server)) merged = set(merged, [section, name, field], undefined);
  }
  for (const [field, value] of Object.entries(server)) {
    if (!isDeepStrictEqual(present[field], value)) merged = set(merged, [section, name, field], value);
  }
  return merged;
}

/** A file that this makes ends with a line end; one that is there keeps its end. */
function ended(text: string, { eol = '\n' }: FormattingOptions): string {
  return text.endsWith('}') ? `${text}${eol}` : text;
}

/** As the file itself is written. */
function formattingOf(text: string): FormattingOptions {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const [, indent = '  '] = /^([ \t]+)\S/m.exec(text) ?? [];
  return { eol, insertSpaces: !indent.startsWith('\t'), tabSize: indent.startsWith('\t') ? 4 : indent.length };
}
