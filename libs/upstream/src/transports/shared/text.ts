import { stripVTControlCharacters } from 'node:util';
import { maskSecrets } from '#libs/kernel';
import type { UpstreamTarget } from '#libs/plugin';

/** How errors call an upstream. */
export function subject(target: Pick<UpstreamTarget, 'name'>): string {
  return `Upstream "${target.name}"`;
}

/** Text of strangers for logs and errors: no terminal sequences, control characters visible, bounded length. */
export function printable(text: string, max = 1_000): string {
  // Before it is cut: half a secret would not be found.
  const plain = maskSecrets(stripVTControlCharacters(text))
    .slice(0, max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is made visible
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) =>
      char === '\t' ? ' ' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
  return text.length > max ? `${plain}…` : plain;
}

/** What looks like a credential in somebody else's text, or like an address with more in it than where it leads. */
const TELLING: readonly (readonly [RegExp, string])[] = [
  [/(https?:\/\/)(?:[^\s/?#@"'<>]*@)?([^\s?#"'<>]*)(?:[?#][^\s"'<>]*)?/gi, '$1$2'],
  [/\b(bearer|basic|dpop)\s+[\w.~+/=-]+/gi, '$1 [secret]'],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}/g, '[secret]'],
  [
    /\b([\w-]*(?:token|secret|passw(?:or)?d|api[-_]?key|authorization|cookie|credential|assertion|session)[\w-]*)(["']?\s*[=:]\s*["']?)(?!bearer |basic |dpop )[^\s"'&,;<>{}]+/gi,
    '$1$2[secret]',
  ],
  [/[\w+/-]{32,}={0,2}/g, '[secret]'],
];

/** Without what may be a stranger's own secrets, of which nobody here has a list. */
function withoutTelling(text: string): string {
  // Secrets that are known first: what follows may leave but a part of one.
  return TELLING.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), maskSecrets(text));
}

/** The first line of an error text somebody else wrote, for the log. */
export function redacted(text: string, max = 200): string {
  const [line = ''] = text
    .trim()
    .slice(0, 4_096)
    .split(/[\r\n]/, 1);
  return printable(withoutTelling(line), max);
}

/** The beginning of what arrived, for the log. */
export function excerpt(bytes: Buffer, max = 120): string {
  return printable(withoutTelling(bytes.toString('utf8', 0, max * 4).trim()), max);
}

/** Bytes as people read them. */
export function size(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${Math.round((bytes / 1024 / 1024) * 10) / 10} MiB`;
  return bytes >= 1024 ? `${Math.round(bytes / 1024)} KiB` : `${bytes} bytes`;
}
