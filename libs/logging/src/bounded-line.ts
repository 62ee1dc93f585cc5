/** Longest log line in characters, so that no request and no upstream can fill a disk with one message. */
export const MAX_LINE = 16 * 1024;
const MAX_TEXT = 1024;

/** Cuts the texts of an overlong JSON log line; the line stays valid JSON and says that it was cut. */
export function boundedLine(line: string): string {
  if (line.length <= MAX_LINE) return line;
  const fields = JSON.parse(line) as Record<string, unknown>;
  const cut: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields).slice(0, 10)) {
    cut[key] = typeof value === 'number' || typeof value === 'boolean' ? value : shorten(value);
  }
  cut['truncated'] = line.length;
  return `${JSON.stringify(cut)}\n`;
}

function shorten(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
