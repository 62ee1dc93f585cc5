import type { ReadSecret, SecretReader } from './secret-reader.js';

/** Most text that substitution may add to one configuration. */
const MAX_TEXT = 4 * 1024 * 1024;

export interface Substituted {
  readonly text: string;
  /** The references as written, e.g. `${PORT}`; empty when there were none. */
  readonly references: readonly string[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Replaces `${scheme:reference}` in one scalar, once: what comes in is never looked at again. Without a scheme it is a
 * variable: `${NAME}` is `${env:NAME}`. `$${` stands for a literal `${`. One instance per load.
 */
export class Substitution {
  #added = 0;

  constructor(private readonly readers: ReadonlyMap<string, SecretReader>) {}

  apply(source: string): Substituted {
    const references: string[] = [];
    const problems: string[] = [];
    const warnings: string[] = [];
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
        return { text: source, references, problems, warnings };
      }
      const reference = source.slice(start, end + 1);
      references.push(reference);
      const { value = '', problem, warning } = this.#resolve(source.slice(start + 2, end));
      if (problem !== undefined) problems.push(problem);
      if (warning !== undefined) warnings.push(warning);
      text += value;
      at = end + 1;
    }
    return { text: text + source.slice(at), references, problems, warnings };
  }

  #resolve(inner: string): ReadSecret {
    const scheme = /^([a-z][a-z0-9-]*):(?!-)/.exec(inner)?.[1];
    const reader = this.readers.get(scheme ?? 'env');
    if (!reader) {
      const known = [...this.readers.keys()].sort().join(', ');
      return {
        problem: `there is no secret source "${scheme}" (known: ${known}); is its plug-in listed under plugins:?`,
      };
    }
    const read = reader.read(scheme === undefined ? inner : inner.slice(scheme.length + 1));
    this.#added += read.value?.length ?? 0;
    return this.#added > MAX_TEXT ? { problem: 'substitution adds more than 4 MiB to this configuration' } : read;
  }
}
