import { readSecretFile, type SecretFile } from './secret-file.js';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Most text that substitution may add to one configuration. */
const MAX_TEXT = 4 * 1024 * 1024;

export interface Substituted {
  readonly text: string;
  /** The references as written, e.g. `${PORT}`; empty when there were none. */
  readonly references: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Replaces `${NAME}`, `${NAME:-default}`, `${env:NAME}` and `${file:/path}` in one scalar, once: what comes in is never
 * looked at again. `$${` stands for a literal `${`. One instance per load; it remembers the files it read.
 */
export class Substitution {
  readonly #files = new Map<string, SecretFile>();
  #added = 0;

  constructor(
    private readonly env: Readonly<Record<string, string | undefined>>,
    /** Relative `${file:}` paths start here: the configuration file's folder. */
    private readonly folder: string,
  ) {}

  /** Files that were referenced, with what was in them (undefined: unreadable). */
  get files(): ReadonlyMap<string, Buffer | undefined> {
    return new Map([...this.#files.values()].map(({ path, content }) => [path, content]));
  }

  apply(source: string): Substituted {
    if (!source.includes('${')) return { text: source, references: [], problems: [] };
    const references: string[] = [];
    const problems: string[] = [];
    let text = '';
    let at = 0;
    while (at < source.length) {
      const start = source.indexOf('${', at);
      if (start < 0) break;
      if (source[start - 1] === '$' && start > at) {
        text += `${source.slice(at, start - 1)}\${`;
        at = start + 2;
        continue;
      }
      text += source.slice(at, start);
      const end = source.indexOf('}', start);
      if (end < 0) {
        problems.push('has "${" without a closing "}" (write "$${" for the literal characters)');
        return { text: source, references, problems };
      }
      const reference = source.slice(start, end + 1);
      references.push(reference);
      const { value, problem } = this.#resolve(source.slice(start + 2, end), reference);
      if (problem) problems.push(problem);
      text += value ?? '';
      at = end + 1;
    }
    return { text: text + source.slice(at), references, problems };
  }

  #resolve(inner: string, reference: string): { value?: string; problem?: string } {
    const found = inner.startsWith('file:') ? this.#file(inner.slice(5)) : this.#variable(inner, reference);
    this.#added += found.value?.length ?? 0;
    return this.#added > MAX_TEXT ? { problem: 'substitution adds more than 4 MiB to this configuration' } : found;
  }

  #variable(inner: string, reference: string): { value?: string; problem?: string } {
    const bare = inner.startsWith('env:') ? inner.slice(4) : inner;
    const split = bare.indexOf(':-');
    const name = split < 0 ? bare : bare.slice(0, split);
    if (!NAME.test(name)) {
      const scheme = /^([a-z]+):/.exec(bare)?.[1];
      return {
        problem: scheme
          ? `has ${reference}: no secret source "${scheme}" (known: env, file)`
          : `has ${reference}: a variable's name has letters, digits and _ (write "$\${" for the literal characters)`,
      };
    }
    const value = Object.hasOwn(this.env, name) ? this.env[name] : undefined;
    if (split >= 0) return { value: value || bare.slice(split + 2) };
    return value === undefined
      ? { problem: `needs the environment variable ${name}, which is not set (or give a default: \${${name}:-...})` }
      : { value };
  }

  #file(path: string): { value?: string; problem?: string } {
    const known = this.#files.get(path);
    const read = known ?? readSecretFile(path, this.folder);
    if (!known) this.#files.set(path, read);
    return read.problem ? { problem: read.problem } : { value: read.text ?? '' };
  }
}
