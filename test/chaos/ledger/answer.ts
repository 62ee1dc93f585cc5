/** The text an upstream gives for a nonce: the caller can tell whether every byte of it is its own. */
export function answerTo(nonce: string, size: number): string {
  const filler = `${nonce};`;
  return `${filler}${filler.repeat(Math.ceil(size / filler.length)).slice(0, size)}`;
}
