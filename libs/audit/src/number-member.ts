/** What a small integer is to the runtime. */
const MAX_THOUSANDTHS = 2 ** 30;
/** What stands behind a whole number, by thousandths: spelling a fraction takes the runtime longer than a line should. */
const FRACTIONS = Array.from({ length: 1000 }, (_, rest) => String(rest / 1000).slice(1));

/** A member with a comma before it, to the thousandth; nothing where there is no number. */
export function numberMember(name: string, value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '';
  return `,"${name}":${thousandths(Math.round(value * 1000))}`;
}

function thousandths(count: number): string {
  if (count < 0 || count > MAX_THOUSANDTHS) return String(count / 1000);
  const whole = Math.trunc(count / 1000);
  return `${whole}${FRACTIONS[count - whole * 1000]}`;
}
