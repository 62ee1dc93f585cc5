/** Columns of text, as wide as their widest cell; the last column is cut where the line would get longer than `width`. */
export function table(rows: readonly (readonly string[])[], width = 100): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (column < columns - 1 ? (row[column] ?? '').length : 0))),
  );
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < columns - 1 ? cell.padEnd((widths[column] ?? 0) + 2) : cut(cell, width - before),
      )
      .join('')
      .trimEnd(),
  );
}

export function cut(text: string, width: number): string {
  const room = Math.max(width, 20);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** The first line of a text, without control characters: what a stranger wrote must not steer the terminal. */
export function firstLine(text: string): string {
  return printable(text.trim().split(/\r?\n/, 1)[0] ?? '');
}

/** Without control characters; line ends and tabs stay. */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\u2028\u2029]/gu, '');
}
