import { Secret } from '#libs/kernel';

/** RFC 9110 token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible characters, blanks and tabs; no line breaks, no NUL, nothing at the ends that would be stripped. */
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;
const MAX_VALUE = 8 * 1024;

/** Headers that belong to the HTTP exchange or to MCP itself. Compared with `_` read as `-`, as some servers do. */
const OWNED =
  /^(?:host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|http2-settings|proxy-.*|forwarded|x-forwarded-.*|x-real-ip|accept|accept-encoding|last-event-id|mcp-.*)$/;

/** A setting that may be a Secret; undefined when it is no text. */
export function reveal(setting: unknown): string | undefined {
  if (setting instanceof Secret) return setting.reveal();
  return typeof setting === 'string' ? setting : undefined;
}

export function nameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string' || !TOKEN.test(name)) return 'must be the name of an HTTP header';
  return OWNED.test(name.toLowerCase().replaceAll('_', '-')) ? `"${name}" is set by the gateway itself` : undefined;
}

/** Never quotes the value. */
export function valueProblem(setting: unknown): string | undefined {
  const value = reveal(setting);
  if (value === undefined || value === '') return 'is required, for example "${SOME_VARIABLE}"';
  if (value.length > MAX_VALUE) return 'is longer than 8 KiB';
  return isFieldValue(value)
    ? undefined
    : 'contains characters a header cannot carry (is there a line break at its end?)';
}

/** Whether a header can carry it unchanged (UP-03). */
export function isFieldValue(value: string): boolean {
  return value.length <= MAX_VALUE && VALUE.test(value);
}

/** `key: problem` for every key that has one. */
export function problems(found: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(found).flatMap(([key, problem]) => (problem === undefined ? [] : [`${key}: ${problem}`]));
}
