import { GatewayError } from '#libs/kernel';
import { type Path, showPath } from './path.js';

/** One thing wrong (or, as a warning, doubtful) in a configuration. Never contains a secret or a variable's value. */
export interface Problem {
  /** `$.proxy.servers[1].connection.url`; `$` for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** 1-based position in the configuration file; absent when the value did not come from it. */
  readonly line?: number;
  readonly column?: number;
}

/** `config.yaml:12:7  $.server.port: must be …` */
export function showProblem(problem: Problem, file?: string): string {
  const where =
    problem.line === undefined ? '' : `${file ?? 'line '}${file ? ':' : ''}${problem.line}:${problem.column}  `;
  return `${where}${problem.path}: ${problem.message}`;
}

/** The configuration cannot be used. `problems` has all of them, in the order of the file. */
export class ConfigError extends GatewayError {
  constructor(
    readonly problems: readonly Problem[],
    readonly file: string | undefined,
  ) {
    super('CONFIG_INVALID', describe(problems, file));
  }
}

function describe(problems: readonly Problem[], file: string | undefined): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `  - ${showProblem(problem, file)}`);
  return [`The configuration${file ? ` ${file}` : ''} has ${count}`, ...lines].join('\n');
}

/** Finds the line and column of a path; `key` asks for the key instead of the value. */
export type Locate = (path: Path, part: 'key' | 'value') => { line: number; column: number } | undefined;

/** Collects problems and warnings of one load, so that all of them are told at once. One problem per value: the first. */
export class Findings {
  readonly #problems = new Map<string, Problem>();
  readonly #warnings = new Map<string, Problem>();
  #locate: Locate = () => undefined;

  locateWith(locate: Locate): void {
    this.#locate = locate;
  }

  /** Where a path stands in the file, or the nearest thing above it that does. */
  positionOf(path: Path): { line: number; column: number } | undefined {
    return this.#locate(path, 'value');
  }

  problem(path: Path, message: string, part: 'key' | 'value' = 'value'): void {
    const text = showPath(path);
    if (!this.#problems.has(text)) this.#problems.set(text, { path: text, message, ...this.#locate(path, part) });
  }

  warning(path: Path, message: string, part: 'key' | 'value' = 'value'): void {
    const text = showPath(path);
    this.#warnings.set(`${text}\n${message}`, { path: text, message, ...this.#locate(path, part) });
  }

  /** A problem of the text itself, before there are values. */
  syntax(message: string, position: { line: number; column: number } | undefined): void {
    this.#problems.set(`${message}\n${position?.line}:${position?.column}`, { path: '$', message, ...position });
  }

  /** True when neither the path nor anything below it has a problem: checks that build on it may speak. */
  sound(path: Path): boolean {
    const prefix = showPath(path);
    for (const { path: bad } of this.#problems.values()) {
      if (bad === prefix || bad.startsWith(`${prefix}.`) || bad.startsWith(`${prefix}[`)) return false;
    }
    return true;
  }

  /** In the order of the file; what has no position comes last. */
  get problems(): readonly Problem[] {
    return inOrder(this.#problems.values());
  }

  get warnings(): readonly Problem[] {
    return inOrder(this.#warnings.values());
  }
}

function inOrder(problems: Iterable<Problem>): readonly Problem[] {
  const line = (problem: Problem) => problem.line ?? Number.MAX_SAFE_INTEGER;
  return [...problems].sort((a, b) => line(a) - line(b) || (a.column ?? 0) - (b.column ?? 0));
}
