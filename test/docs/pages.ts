import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/processes.js';

/** A fenced block. What follows its language says what it is: ```` ```yaml file=gateway.yaml ````, ```` ```yaml not-config ````. */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly marks: ReadonlyMap<string, string>;
  readonly text: string;
}

export interface Link {
  readonly page: string;
  readonly line: number;
  readonly target: string;
}

export interface Page {
  /** Relative to the root, e.g. `docs/cli.md`. */
  readonly path: string;
  /** The text with blocks blanked out, so that line numbers stay. */
  readonly prose: string;
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  /** What `#…` may name. */
  readonly anchors: ReadonlySet<string>;
}

/** What people read: the pages at the root, everything under `docs/`, and those beside the examples. */
export const PAGES: readonly Page[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `examples/${name}`)
    .sort(),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
].map(readPage);

export function pageAt(path: string): Page {
  const found = PAGES.find((page) => page.path === path);
  if (!found) throw new Error(`there is no page ${path}`);
  return found;
}

function readPage(path: string): Page {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  const blocks: Block[] = [];
  const prose = [...lines];
  for (let start = 0; start < lines.length; start++) {
    const fence = /^(\s*)```(\S+)?(.*)$/.exec(lines[start] ?? '');
    if (!fence) continue;
    const [, indent = '', language = '', marks = ''] = fence;
    const end = lines.indexOf(`${indent}\`\`\``, start + 1);
    if (end < 0) throw new Error(`${path}:${start + 1} opens a block that nothing closes`);
    const inside = lines.slice(start + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ page: path, line: start + 1, language, marks: marksIn(marks), text: `${inside.join('\n')}\n` });
    prose.fill('', start, end + 1);
    start = end;
  }
  return { path, prose: prose.join('\n'), blocks, links: linksIn(path, prose), anchors: anchorsIn(prose) };
}

function marksIn(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => {
        const [name = '', ...value] = word.split('=');
        return [name, value.join('=')];
      }),
  );
}

function linksIn(page: string, lines: readonly string[]): readonly Link[] {
  return lines.flatMap((line, index) =>
    [...withoutCode(line).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ page, line: index + 1, target })),
  );
}

function withoutCode(line: string): string {
  return line.replace(/`[^`]*`/g, '');
}

/** As GitHub makes them: lower case, no punctuation, blanks to hyphens, a number behind what is there already. */
function anchorsIn(lines: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const line of lines) {
    const [, heading] = /^#{1,6}\s+(.+)$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}
