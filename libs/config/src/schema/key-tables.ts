import type { ConfigKey } from './config-keys.js';

/**
 * `<!-- keys: log audit -->`, a table, `<!-- end of keys -->`: what stands between is made from the schema classes. A table of
 * `types of …` has the keys that depend on a type.
 */
const TABLE = /(<!-- keys: ([^>]+) -->\n)[\s\S]*?(<!-- end of keys -->)/g;
const TYPES = 'types of ';

/** The page with its tables of keys as the schema classes say. Of tables a key could stand in, the closest takes it. */
export function fillKeyTables(page: string, keys: readonly ConfigKey[]): string {
  const parents = [...page.matchAll(TABLE)].flatMap(([, , marker = '']) => parentsIn(marker));
  const homeless = keys.filter((key) => homeOf(key, parents) === undefined);
  if (homeless.length > 0) throw new Error(`no table takes ${homeless.map(({ key }) => key).join(', ')}`);
  return page.replace(TABLE, (_all, start: string, marker: string, end: string) => {
    const own = parentsIn(marker);
    const rows = keys.filter((key) => own.includes(homeOf(key, parents) ?? ''));
    if (rows.length === 0) throw new Error(`no key belongs into the table ${marker}`);
    return `${start}${table(rows)}\n${end}`;
  });
}

function parentsIn(marker: string): readonly string[] {
  return marker.startsWith(TYPES) ? [marker] : marker.split(' ');
}

function homeOf({ key, variant }: ConfigKey, parents: readonly string[]): string | undefined {
  if (variant !== undefined) return parents.find((parent) => parent === TYPES + variant.of);
  return parents
    .filter((parent) => key === parent || key.startsWith(`${parent}.`) || key.startsWith(`${parent}[`))
    .sort((a, b) => b.length - a.length)[0];
}

function table(rows: readonly ConfigKey[]): string {
  const typed = rows.some(({ variant }) => variant !== undefined);
  const head = [...(typed ? ['type'] : []), 'key', 'takes', 'default', 'meaning'];
  const lines = rows.map((row) => {
    const { key, variant, takes, doc } = row;
    const cells = variant ? [`\`${variant.type}\``, `\`${key.slice(variant.of.length + 1)}\``] : [`\`${key}\``];
    return [...cells, takes, standard(row), doc];
  });
  return [head, head.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function standard({ required, standard: value }: ConfigKey): string {
  if (required) return 'required';
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
