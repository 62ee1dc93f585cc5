/** How an escaped ASCII letter begins. */
const ESCAPED = '\\u00';

/**
 * Whether any of these ASCII texts may occur in JSON bytes, escaped spellings included. Native search, no parsing. Texts are
 * best given with the quote they stand behind: the search hops from one first byte to the next, so a letter costs fifty
 * times as much.
 */
export function mayContain(bytes: Buffer, ...texts: readonly string[]): boolean {
  for (const text of texts) if (bytes.includes(text)) return true;
  return bytes.includes(ESCAPED);
}
