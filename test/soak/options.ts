import { parseArgs } from 'node:util';
import { positive, seedOf } from '../chaos/flags.js';

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
  if (!help && values.minutes === undefined) throw new Error('--minutes N is missing');
  const minutes = values.minutes === undefined ? 0 : positive('minutes', values.minutes);
  return { help, minutes, rate: positive('rate', values.rate), seed: seedOf(values.seed), json };
}
