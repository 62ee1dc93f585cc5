import { parseArgs } from 'node:util';

export const HELP = `npm run soak -- --minutes N [options]

  --minutes N          how long the load runs
  --rate N             calls a second; default: 200
  --seed N             the same choices as the run that printed it; default: others each time
  --json FILE          writes the results there
`;

export interface SoakOptions {
  readonly help: boolean;
  readonly minutes: number;
  readonly rate: number;
  readonly seed: number;
  readonly json: string | undefined;
}

/** @throws Error on an option or a value that is not known, and without `--minutes` */
export function readOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const { help, json } = values;
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed ${values.seed}: must be a natural number`);
  const minutes = help ? 0 : positive('minutes', values.minutes);
  return { help, minutes, rate: positive('rate', values.rate), seed, json };
}

function positive(name: string, text: string | undefined): number {
  const value = Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new Error(text === undefined ? `--${name} N is missing` : `--${name} ${text}: must be a positive number`);
}
