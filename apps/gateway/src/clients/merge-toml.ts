import { parse, stringify, TomlError } from 'smol-toml';
import { isObject } from '#libs/kernel';
import { UsageError } from '../client/arguments.js';
import { PLACE_FIELDS, type ServerFields } from './known-clients.js';

/** @throws UsageError that names line and column */
export function readToml(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const [what] = thrown.message.split('\n');
    throw new UsageError(`${file}:${thrown.line}:${thrown.column} is no TOML (${what}); mend it first`);
  }
}

/**
 * The text with this server as a table `[section.name]`. Lines are replaced and added one by one, so that comments, order and
 * everything else stay. Whether that came out right is for the caller to check: TOML has more ways to write a table.
 * @throws UsageError when the file is no TOML
 */
export function mergeToml(
  text: string,
  at: readonly [section: string, name: string],
  server: ServerFields,
  file: string,
) {
  const [section, name] = at;
  const servers = readToml(text, file)[section];
  const fields = Object.entries(server).map(([key, value]) => ({ key, line: stringify({ [key]: value }).trimEnd() }));
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  if (!isObject(servers) || !Object.hasOwn(servers, name)) {
    const gap = text === '' ? '' : text.endsWith('\n') ? eol : `${eol}${eol}`;
    return `${text}${gap}${[`[${section}.${name}]`, ...fields.map(({ line }) => line), ''].join(eol)}`;
  }
  const lines = text.split(eol);
  const { start, end } = tableAt(lines, section, name, file);
  const stale = PLACE_FIELDS.filter((key) => !(key in server));
  const kept = statements(lines.slice(start + 1, end)).filter(({ key }) => !stale.some((one) => one === key));
  const added: string[] = [];
  for (const { key, line } of fields) {
    const present = kept.find((statement) => statement.key === key);
    if (!present) added.push(line);
    else if (present.value !== server[key]) present.lines = [line];
  }
  const body = [...added, ...kept.flatMap((statement) => statement.lines)];
  return [...lines.slice(0, start + 1), ...body, ...lines.slice(end)].join(eol);
}

/** What stands in a table, a value of several lines as one; comments and empty lines are statements without a key. */
function statements(lines: readonly string[]): { key?: string; value?: unknown; lines: string[] }[] {
  const found: { key?: string; value?: unknown; lines: string[] }[] = [];
  for (let at = 0; at < lines.length; ) {
    let statement: (typeof found)[number] = { lines: [lines[at] ?? ''] };
    for (let count = 1; at + count <= lines.length; count += 1) {
      const part = lines.slice(at, at + count);
      try {
        const [entry] = Object.entries(parse(part.join('\n')));
        statement = entry ? { key: entry[0], value: entry[1], lines: part } : { lines: part };
        break;
      } catch {
        // its value goes on in the next line
      }
    }
    found.push(statement);
    at += statement.lines.length;
  }
  return found;
}

/** The lines of a table: from its header to the next one. */
function tableAt(lines: readonly string[], section: string, name: string, file: string) {
  const header = new RegExp(`^\\s*\\[\\s*"?${section}"?\\s*\\.\\s*["']?${name}["']?\\s*\\]\\s*(#.*)?$`);
  const headers = [...headerLines(lines)];
  const at = headers.findIndex((index) => header.test(lines[index] ?? ''));
  const start = headers[at];
  if (start === undefined) {
    throw new UsageError(`${file} has ${section}.${name}, but not as a table [${section}.${name}]; change it by hand`);
  }
  return { start, end: headers[at + 1] ?? lines.length };
}

/** Lines that begin a table, and none that only look like it inside a text of several lines. */
function* headerLines(lines: readonly string[]): Generator<number> {
  let open: string | undefined;
  for (const [index, line] of lines.entries()) {
    if (open === undefined && /^\s*\[/.test(line)) yield index;
    for (const [quotes] of line.matchAll(/"""|'''/g)) {
      if (open === undefined) open = quotes;
      else if (open === quotes) open = undefined;
    }
  }
}
