import { inspect } from 'node:util';

/** Shorter values occur by chance. */
const MASKABLE = 8;
const MAX_REMEMBERED = 1_000;
/** Longest first, so that a value inside another one does not keep it from being found. */
let remembered: readonly string[] = [];

/** From now on `maskSecrets` replaces this value, as it is and as it stands in JSON. */
export function rememberSecret(value: string): void {
  if (value.length < MASKABLE || remembered.includes(value) || remembered.length >= MAX_REMEMBERED) return;
  const spellings = new Set([value, JSON.stringify(value).slice(1, -1)]);
  remembered = [...remembered, ...spellings].sort((a, b) => b.length - a.length);
}

/** A text without the values of secrets: for what strangers wrote, who may give back what they were given. */
export function maskSecrets(text: string): string {
  let masked = text;
  for (const value of remembered) if (masked.includes(value)) masked = masked.replaceAll(value, '[secret]');
  return masked;
}

/** A value that must never be printed. Every way of turning it into text gives `[secret]`; only `reveal` tells. */
export class Secret {
  readonly #value: string;

  /** `masked`: `maskSecrets` finds the value from now on. For what lives as long as the configuration. */
  constructor(value: string, masked = true) {
    this.#value = value;
    if (masked) rememberSecret(value);
  }

  /** A value that comes and goes with a request, such as a caller's token: far too many to look for in every text. */
  static passing(value: string): Secret {
    return new Secret(value, false);
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
