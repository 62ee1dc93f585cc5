/** Matches one pattern in which `*` stands for any run of characters. Linear in the text, no regular expressions. */
export function compileGlob(pattern: string): (text: string) => boolean {
  const pieces = pattern.split('*');
  const head = pieces[0] ?? '';
  if (pieces.length === 1) return (text) => text === pattern;
  const tail = pieces[pieces.length - 1] ?? '';
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (text) => {
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    let at = head.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at <= text.length - tail.length;
  };
}

/** Whether a text matches one of the included patterns and none of the excluded. */
export function compileSelection(include: readonly string[], exclude: readonly string[]): (text: string) => boolean {
  const wanted = include.map(compileGlob);
  const unwanted = exclude.map(compileGlob);
  return (text) => wanted.some((matches) => matches(text)) && !unwanted.some((matches) => matches(text));
}
