import { parseArgs } from 'node:util';

export interface FuzzOptions {
  /** Cases over all targets. */
  readonly runs: number;
  readonly seed: number;
  /** Only targets whose name contains this. */
  readonly only: string;
  /** One case of one target, as a finding printed it. */
  readonly path: string | undefined;
}

const RUNS = 240_000;
/** Fixed, so that two runs of one checkout throw the same things; `--seed random` throws others. */
const SEED = 20_260_728;

/** @throws Error on an option or a value that is not known */
export function readOptions(argv: readonly string[]): FuzzOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runs: { type: 'string', default: String(RUNS) },
      seed: { type: 'string', default: String(SEED) },
      only: { type: 'string', default: '' },
      path: { type: 'string' },
    },
  });
  const runs = Number(values.runs);
  const seed = values.seed === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: a positive number`);
  if (!Number.isSafeInteger(seed)) throw new Error(`--seed ${values.seed}: an integer, or random`);
  if (values.path !== undefined && values.only === '') throw new Error('--path needs --only with the target it is of');
  return { runs, seed, only: values.only, path: values.path };
}
