import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { Path } from '../load/path.js';
import { showPath } from '../load/path.js';
import type { Findings, Locate } from '../load/problems.js';
import type { Substitution } from './substitute.js';
import { kindOf, RESERVED_KEYS, type Tree, type TreeMap } from './tree.js';

/** Bounds on what aliases may multiply; far beyond any real configuration. */
const MAX_NODES = 50_000;
const MAX_DEPTH = 32;
const MAX_ALIASES = 100;

export interface ParsedYaml {
  readonly tree: Tree;
  /** By shown path: the `${…}` references a scalar was made of. */
  readonly references: ReadonlyMap<string, readonly string[]>;
}

/**
 * Parses one YAML 1.2 document (core schema, no custom tags, no merge keys, unique keys) and substitutes in its scalar
 * strings. Everything wrong goes to `findings`, which can locate paths afterwards; the tree has what was usable.
 */
export function parseYaml(text: string, substitution: Substitution, findings: Findings): ParsedYaml {
  const lines = new LineCounter();
  let document: Document;
  try {
    // uniqueKeys is quadratic in the library; the reader below checks keys itself.
    const options = {
      schema: 'core',
      merge: false,
      stringKeys: true,
      resolveKnownTags: false,
      uniqueKeys: false,
    } as const;
    document = parseDocument(text, { ...options, prettyErrors: false, lineCounter: lines });
  } catch {
    findings.syntax('this is not a YAML document the gateway can read (nested too deeply?)', undefined);
    return { tree: null, references: new Map() };
  }
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  for (const { code, message, pos } of [...document.errors, ...document.warnings].slice(0, 10)) {
    findings.syntax(explain(code, message, lineAt(text, pos[0])), at(pos[0]));
  }
  if (document.errors.length > 0) return { tree: null, references: new Map() };
  const reader = new Reader(document, substitution, findings);
  findings.locateWith(reader.locator(at));
  return { tree: reader.read(document.contents, [], 0), references: reader.references };
}

function lineAt(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 200).split('\n', 1)[0] ?? '';
}

function explain(code: string, message: string, line: string): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'YAML tags are not supported here';
  if (code === 'MULTIPLE_DOCS') return 'the file has more than one YAML document ("---"); it must have one';
  if (code === 'TAB_AS_INDENT') return 'YAML: no tabs for indentation; write spaces';
  if (code === 'MISSING_CHAR' && /quote$/.test(message)) {
    return 'a text in quotation marks has no end; it begins above, close it there';
  }
  const hint = /[[{].*\$\{/.test(line) ? ' (inside [ ] and { } put quotes around "${...}")' : '';
  return message.startsWith('Maximum call stack') ? 'nested too deeply' : `YAML: ${message}${hint}`;
}

/** Turns nodes into a Tree and remembers where everything stood. */
class Reader {
  readonly references = new Map<string, readonly string[]>();
  readonly #positions = new Map<string, { key?: number; value?: number }>();
  #nodes = 0;
  #aliases = 0;

  constructor(
    private readonly document: Document,
    private readonly substitution: Substitution,
    private readonly findings: Findings,
  ) {}

  /** The position of a path, or of the nearest thing above it that the file has. */
  locator(at: (offset: number) => { line: number; column: number }): Locate {
    return (path, part) => {
      for (let length = path.length; length >= 0; length--) {
        const found = this.#positions.get(showPath(path.slice(0, length)));
        const offset = part === 'key' ? (found?.key ?? found?.value) : (found?.value ?? found?.key);
        if (offset !== undefined) return at(offset);
      }
      return undefined;
    };
  }

  read(node: unknown, path: Path, depth: number): Tree {
    this.#place(path, 'value', node);
    this.#nodes++;
    if (this.#nodes > MAX_NODES || depth > MAX_DEPTH) {
      const what = depth > MAX_DEPTH ? `nested deeper than ${MAX_DEPTH} levels` : `larger than ${MAX_NODES} values`;
      this.findings.problem([], `the configuration is ${what}${this.#aliases > 0 ? ' (aliases count each time)' : ''}`);
      return null;
    }
    if (isAlias(node)) {
      this.#aliases++;
      if (this.#aliases > MAX_ALIASES)
        this.findings.problem([], `the configuration has more than ${MAX_ALIASES} aliases`);
      const target = this.#aliases > MAX_ALIASES ? undefined : node.resolve(this.document);
      if (!target && this.#aliases <= MAX_ALIASES)
        this.findings.problem(path, `no anchor &${node.source} stands before this alias`);
      return target ? this.#below(target, path, depth) : null;
    }
    return this.#below(node, path, depth);
  }

  #below(node: unknown, path: Path, depth: number): Tree {
    if (isMap(node)) return this.#map(node.items, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item, [...path, index], depth + 1));
    if (isScalar(node)) return this.#scalar(node.value, path);
    return null;
  }

  #map(pairs: readonly Pair[], path: Path, depth: number): TreeMap {
    const map: TreeMap = {};
    for (const { key: keyNode, value } of pairs) {
      const key = isScalar(keyNode)
        ? String(keyNode.value ?? '')
        : isAlias(keyNode)
          ? undefined
          : String(keyNode ?? '');
      if (key === undefined) {
        this.findings.problem(path, 'an alias cannot be a key');
        continue;
      }
      const place = [...path, key];
      const known = Object.hasOwn(map, key);
      this.#place(place, 'key', keyNode, known);
      if (known) this.findings.problem(place, `the key ${JSON.stringify(key)} stands here twice; take one away`, 'key');
      else if (RESERVED_KEYS.has(key)) this.findings.problem(place, 'this key is not allowed', 'key');
      else if (key === '<<')
        this.findings.problem(place, 'merge keys (<<) are not supported; repeat the values', 'key');
      else map[key] = this.read(value, place, depth + 1);
    }
    return map;
  }

  #scalar(value: unknown, path: Path): Tree {
    if (typeof value === 'string') {
      if (!value.includes('${')) return value;
      const { text, references, problems, warnings } = this.substitution.apply(value);
      if (references.length > 0) this.references.set(showPath(path), references);
      for (const problem of problems) this.findings.problem(path, problem);
      for (const warning of warnings) this.findings.warning(path, warning);
      return text;
    }
    if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
    this.findings.problem(path, `${kindOf(value)} cannot stand in a configuration`);
    return null;
  }

  #place(path: Path, part: 'key' | 'value', node: unknown, again = false): void {
    const offset = (node as Node | null | undefined)?.range?.[0];
    if (offset === undefined) return;
    const text = showPath(path);
    const known = this.#positions.get(text);
    if (known) known[part] = again ? offset : (known[part] ?? offset);
    else this.#positions.set(text, { [part]: offset });
  }
}
