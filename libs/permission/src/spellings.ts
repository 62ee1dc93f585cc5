import type { ObjectRef } from '#libs/kernel';

/**
 * The texts that a URI may be taken for by whoever reads it, besides itself: with its escapes decoded once, and with scheme
 * and host in lower case. A rule for one spelling must not be got around by sending another. Names have one spelling.
 */
export function otherSpellings({ kind, name }: Pick<ObjectRef, 'kind' | 'name'>): readonly string[] {
  if (kind === 'tool' || kind === 'prompt') return [];
  const decoded = decodedOnce(name);
  return [...new Set([decoded, lowered(name), lowered(decoded)])].filter((text) => text !== name);
}

/** Escapes that stand for bytes become those bytes; what is no escape stays. */
function decodedOnce(uri: string): string {
  if (!uri.includes('%')) return uri;
  return uri.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** Scheme and authority do not tell letters' cases apart (RFC 3986 6.2.2.1). */
function lowered(uri: string): string {
  return uri.replace(/^[a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*)?/i, (start) => start.toLowerCase());
}
