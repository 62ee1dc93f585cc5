/** What somebody else wrote, fit for a log line. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value);
  return `"${text.slice(0, 200).replace(/[\p{Cc}\p{Cf}]/gu, '?')}"`;
}
