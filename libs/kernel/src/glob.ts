/**
 * Whether a text fits a pattern in which `*` stands for any run of characters and everything else for itself, letter case
 * included. At most one star is ever retried, so nothing blows up. A star in the text is met by a star alone: a pattern that
 * fits another pattern's text fits all that the other fits.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      retry = t;
    } else if (pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++retry;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** The same, for a pattern that is asked often. */
export function compileGlob(pattern: string): (text: string) => boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return (text) => text === pattern;
  if (star === pattern.length - 1) {
    const head = pattern.slice(0, -1);
    return (text) => text.startsWith(head);
  }
  return (text) => matchesGlob(pattern, text);
}

/** Whether a text fits one of the included patterns and none of the excluded. */
export function compileSelection(include: readonly string[], exclude: readonly string[]): (text: string) => boolean {
  const wanted = include.map(compileGlob);
  const unwanted = exclude.map(compileGlob);
  return (text) => wanted.some((matches) => matches(text)) && !unwanted.some((matches) => matches(text));
}
