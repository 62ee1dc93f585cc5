/** Default of `log.max_line`, in characters: no request and no upstream can fill a disk with one message. */
export const MAX_LINE = 16 * 1024;
/** Of a line that is too long. */
const KEPT_FIELDS = 10;

/** Cuts the texts of an overlong JSON log line; the line stays valid JSON and says that it was cut. */
export function boundedLine(line: string, longest = MAX_LINE): string {
  if (line.length <= longest) return line;
  const fields = JSON.parse(line) as Record<string, unknown>;
  const cut: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields).slice(0, KEPT_FIELDS)) {
    cut[key] =
      typeof value === 'number' || typeof value === 'boolean'
        ? value
        : shorten(value, Math.floor(longest / (KEPT_FIELDS + 6)));
  }
  cut['truncated'] = line.length;
  return `${JSON.stringify(cut)}\n`;
}

function shorten(value: unknown, longest: number): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
