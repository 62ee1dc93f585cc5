import { inspect } from 'node:util';

/** Shorter values occur by chance. */
const MASKABLE = 8;
const MAX_REMEMBERED = 1_000;
const values = new Set<string>();
/** Longest first, so that a spelling inside another one does not keep it from being found. */
let spellings: readonly string[] = [];

/**
 * From now on `maskSecrets` replaces this value: as it is, and as it stands in JSON, in URLs and forms, and in Base64,
 * whatever stands before it there.
 */
export function rememberSecret(value: string): void {
  if (value.length < MASKABLE || values.has(value) || values.size >= MAX_REMEMBERED) return;
  values.add(value);
  const plain = [value, ...urlEncoded(value)];
  const known = new Set([...spellings, ...plain, JSON.stringify(value).slice(1, -1), ...plain.flatMap(base64)]);
  spellings = [...known].sort((a, b) => b.length - a.length);
}

/** Another number when `maskSecrets` may mask a text otherwise than before: for whoever keeps what it made. */
export function maskedAs(): number {
  return values.size;
}

/** A text without the values of secrets: for what strangers wrote, who may give back what they were given. */
export function maskSecrets(text: string): string {
  if (text.length < MASKABLE) return text;
  let masked = text;
  for (const spelling of spellings) if (masked.includes(spelling)) masked = masked.replaceAll(spelling, '[secret]');
  return masked;
}

function urlEncoded(value: string): string[] {
  try {
    return [encodeURIComponent(value), new URLSearchParams([['', value]]).toString().slice(1)];
  } catch {
    return [];
  }
}

/** What stays the same of a value in Base64 when one, two or three bytes, or none, stand before it. */
function base64(value: string): string[] {
  const found: string[] = [];
  for (const before of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
    const own = bytes.toString('base64').slice(before === 0 ? 0 : before + 1, Math.floor((bytes.length * 8) / 6));
    if (own.length >= MASKABLE) found.push(own, own.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return found;
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
