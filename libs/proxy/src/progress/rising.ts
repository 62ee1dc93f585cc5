/** Where signs of life begin while the upstream has reported nothing: below any progress worth a report. */
const FIRST = 1e-6;

const number = new Float64Array(1);
const bits = new BigInt64Array(number.buffer);

/** The least number above another one, both finite. */
export function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  number[0] = value;
  bits[0] = (bits[0] as bigint) + (value > 0 ? 1n : -1n);
  const next = number[0] as number;
  return Number.isFinite(next) ? next : value;
}

/**
 * The values of one progress token, which must rise from each notification to the next (M:prog), whatever an upstream
 * says and whatever the gateway says between. Signs of life rise so little that what the upstream says next is more.
 */
export class Rising {
  #last: number | undefined;

  /** What to send for a value of the upstream: the value itself where it is an increase, else the least there is. */
  told(value: number): number {
    const last = this.#last;
    this.#last = last === undefined || value > last ? value : nextUp(last);
    return this.#last;
  }

  /** What to send when there is nothing to tell. */
  beat(): number {
    this.#last = this.#last === undefined ? FIRST : nextUp(this.#last);
    return this.#last;
  }
}
