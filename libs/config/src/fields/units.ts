const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** `500ms`, `30s`, `5m`, `1h` (or 0) in milliseconds; undefined when it is none of these. */
export function parseDuration(value: unknown): number | undefined {
  if (value === 0 || value === '0') return 0;
  const match = typeof value === 'string' ? /^(\d{1,12})(ms|s|m|h)$/.exec(value) : null;
  return match ? Number(match[1]) * DURATION_UNITS[match[2] as keyof typeof DURATION_UNITS] : undefined;
}

/** `512KiB`, `4MiB`, or a number of bytes; undefined when it is none of these. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = typeof value === 'string' ? /^(\d{1,15})(B|KiB|MiB|GiB)?$/.exec(value) : null;
  return match ? Number(match[1]) * SIZE_UNITS[(match[2] ?? 'B') as keyof typeof SIZE_UNITS] : undefined;
}

export function showDuration(milliseconds: number): string {
  // "60s" and "90s" read better than "1m" and a fraction
  const { m: _minutes, ...short } = DURATION_UNITS;
  return show(milliseconds, milliseconds < 120_000 ? short : DURATION_UNITS, 'ms');
}

export function showSize(bytes: number): string {
  return show(bytes, SIZE_UNITS, 'B');
}

function show(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  if (value === 0) return '0';
  const fitting = Object.entries(units).filter(([, factor]) => value % factor === 0);
  const [unit, factor] = fitting.at(-1) ?? [smallest, 1];
  return `${value / factor}${unit}`;
}
