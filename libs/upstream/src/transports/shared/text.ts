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

/** The beginning of what arrived, for error texts. */
export function excerpt(bytes: Buffer, max = 120): string {
  return printable(
    bytes
      .subarray(0, max * 4)
      .toString('utf8')
      .trim(),
    max,
  );
}

/** Bytes as people read them. */
export function size(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${Math.round((bytes / 1024 / 1024) * 10) / 10} MiB`;
  return bytes >= 1024 ? `${Math.round(bytes / 1024)} KiB` : `${bytes} bytes`;
}
