/** How an escaped ASCII letter begins. */
const ESCAPED = '\\u00';

/** Whether any of these ASCII texts may occur in JSON bytes, escaped spellings included. Native search, no parsing. */
export function mayContain(bytes: Buffer, ...texts: readonly string[]): boolean {
  return texts.some((text) => bytes.includes(text)) || bytes.includes(ESCAPED);
}
