import { readSecretFile, type SecretFile } from './secret-file.js';

/** What stands for a reference: a value, or a sentence about why there is none. Neither sentence has the value in it. */
export interface ReadSecret {
  readonly value?: string;
  readonly problem?: string;
  /** A doubt about where the value is from. */
  readonly warning?: string;
}

/** Where `${scheme:reference}` gets its values. Built in are `env` and `file`; whoever loads may bring more. Never throws. */
export interface SecretReader {
  read(reference: string): ReadSecret;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `${NAME}` and `${env:NAME}`, each also with `:-default`. */
export class EnvReader implements SecretReader {
  constructor(private readonly env: Readonly<Record<string, string | undefined>>) {}

  read(reference: string): ReadSecret {
    const split = reference.indexOf(':-');
    const name = split < 0 ? reference : reference.slice(0, split);
    if (!NAME.test(name)) {
      return {
        problem: `has \${${reference}}: a variable's name has letters, digits and _ (write "$\${" for the literal characters)`,
      };
    }
    const value = Object.hasOwn(this.env, name) ? this.env[name] : undefined;
    if (value) return { value };
    if (split >= 0) return { value: reference.slice(split + 2) };
    const state = value === undefined ? 'not set' : 'empty';
    return {
      problem: `needs the environment variable ${name}, which is ${state} (or give a default: \${${name}:-...})`,
    };
  }
}

/** `${file:/run/secrets/name}`. Remembers what it read, so that changes can be noticed. */
export class FileReader implements SecretReader {
  readonly #files = new Map<string, SecretFile>();

  /** Relative paths start in `folder`: the configuration file's. */
  constructor(private readonly folder: string) {}

  /** Files that were referred to, with what was in them (undefined: unreadable). */
  get files(): ReadonlyMap<string, Buffer | undefined> {
    return new Map([...this.#files.values()].map(({ path, content }) => [path, content]));
  }

  read(reference: string): ReadSecret {
    let file = this.#files.get(reference);
    if (!file) {
      file = readSecretFile(reference, this.folder);
      this.#files.set(reference, file);
    }
    const { text = '', problem, warning } = file;
    return problem === undefined ? { value: text, ...(warning !== undefined && { warning }) } : { problem };
  }
}
