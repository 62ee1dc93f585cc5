import { parseArgs } from 'node:util';
import { positive, seedOf } from './flags.js';

export const HELP = `npm run chaos [-- options]

  --list               names the experiments
  --experiment NAME    only this one; may be given several times
  --seed N             the same choices as the run that printed it; default: others each time
  --seconds N          leaves out experiments that would not fit into N seconds
  --json FILE          writes the results there
`;

export interface ChaosOptions {
  readonly help: boolean;
  readonly list: boolean;
  readonly experiments: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  readonly json: string | undefined;
}

/** @throws Error on an option or a value that is not known */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      experiment: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const seed = seedOf(values.seed);
  const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : positive('seconds', values.seconds);
  const { help, list, experiment: experiments, json } = values;
  return { help, list, experiments, seed, seconds, json };
}
