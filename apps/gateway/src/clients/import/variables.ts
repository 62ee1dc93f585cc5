/** What has to be in the environment of the gateway, and never in its file. */
export interface Variable {
  readonly name: string;
  /** Where its value stood, in words. */
  readonly from: string;
  /** What stood there; undefined where the file itself only referred to something. */
  readonly value: string | undefined;
}

const SECRET_NAME = /key|token|secret|passw|pwd|auth|credential|cookie|session|private|signature|dsn|\bpat\b|_pat$/i;
/** Beginnings that vendors give their tokens, and JWTs. */
const SECRET_START =
  /^(?:sk-|sk_|pk_|rk_|gh[opsur]_|github_pat_|glpat-|xox[abprs]-|ya29\.|AKIA|AIza|eyJ|figd_|npm_|hf_|ntn_|lin_|dop_)/;
const HARMLESS = [
  /^(?:true|false|yes|no|on|off|\d{1,9}(?:\.\d+)?)$/i,
  /^(?:~|\.{1,2})?[\\/][^\s:@?]*$/,
  /^[A-Za-z]:\\[^?@]*$/,
  /^https?:\/\/[\w.:-]+\/?(?:[\w./-]{0,40})$/,
  /^[A-Za-z][A-Za-z-]{0,15}$/,
];

/** Whether a value, by its own looks, is one that others must not read. */
export function looksSecret(value: string): boolean {
  if (SECRET_START.test(value) || /\w+:\/\/[^/\s:@]+:[^/\s@]+@/.test(value)) return true;
  return (
    /^[A-Za-z0-9+/_=.-]{24,}$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value) && !/[/.].*[/.]/.test(value)
  );
}

/** Whether a name says that its value is one that others must not read. */
export function namesSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Rather one variable too many than a secret in a file: what stays is plainly no secret. */
export function isHarmless(name: string, value: string): boolean {
  return !namesSecret(name) && !looksSecret(value) && (value === '' || HARMLESS.some((form) => form.test(value)));
}

/** The variables of one import; the same name never stands for two values. */
export class Variables {
  readonly #byName = new Map<string, Variable>();

  get all(): readonly Variable[] {
    return [...this.#byName.values()];
  }

  /** A reference to a variable that holds this value; `wished` is its name unless that stands for something else. */
  keep(value: string, wished: string, server: string, from: string): string {
    const same = [...this.#byName.values()].find((one) => one.value === value);
    if (same) return reference(same.name);
    for (const name of candidates(wished, server)) {
      if (this.#byName.has(name)) continue;
      this.#byName.set(name, { name, from, value });
      return reference(name);
    }
    throw new Error('there is always one more name');
  }

  /** A reference to what the file itself took from elsewhere. */
  refer(wished: string, from: string): string {
    const name = variableName(wished);
    if (!this.#byName.has(name)) this.#byName.set(name, { name, from, value: undefined });
    return reference(name);
  }
}

function* candidates(wished: string, server: string): Generator<string> {
  const name = variableName(wished);
  yield name;
  const own = variableName(`${server}_${wished}`);
  yield own;
  for (let count = 2; ; count += 1) yield `${own}_${count}`;
}

/** `github-token` is `GITHUB_TOKEN`. */
function variableName(text: string): string {
  const name = text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toUpperCase();
  return /^[A-Z]/.test(name) ? name : `VALUE_${name}`;
}

function reference(name: string): string {
  return `\${env:${name}}`;
}
