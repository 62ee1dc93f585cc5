import { parseArgs } from 'node:util';
import { FULL, QUICK, type Scale } from './cases/case.ts';
import { LONG } from './cases/rounds.ts';
import type { Profile } from './targets/gateway-config.ts';
import { PIECES, type Piece } from './targets/pieces.ts';

export const HELP = `npm run bench [-- options]

  --quick              a few short windows per case: whether it works, not how fast it is
  --case NAME          only this one; * stands for any text; may be given several times
  --list               names the cases
  --profile NAME       bare or everything; default: both
  --without PIECE      leaves out of "everything": ${PIECES.join(', ')}; may be given several times
  --rounds N           default ${FULL.rounds}; below 6 no interval is certain to 95 %
  --seconds S          length of a window, default ${FULL.seconds}; ${LONG} times that from 10 KB on
  --minutes M          no case begins later than this, default 120
  --out FILE           where the JSON goes, default results/bench-TIME.json
  --cpu-prof DIR       the gateway writes a CPU profile there when it ends
  --keep               keeps configurations and logs of the run
`;

export interface Options {
  readonly help: boolean;
  readonly list: boolean;
  readonly quick: boolean;
  readonly keep: boolean;
  readonly cases: readonly string[];
  readonly profiles: readonly Profile[];
  readonly without: readonly Piece[];
  readonly scale: Scale;
  readonly minutes: number;
  readonly out: string | undefined;
  readonly gatewayFlags: readonly string[];
}

/** @throws Error saying what is wrong with them */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      case: { type: 'string', multiple: true, default: [] },
      profile: { type: 'string', multiple: true, default: ['bare', 'everything'] },
      without: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
      out: { type: 'string' },
      'cpu-prof': { type: 'string' },
    },
  });
  const scale = values.quick ? QUICK : FULL;
  const rounds = number('--rounds', values.rounds, 1, 1000) ?? scale.rounds;
  const profiles = values['cpu-prof'];
  return {
    help: values.help,
    list: values.list,
    quick: values.quick,
    keep: values.keep,
    cases: values.case,
    profiles: values.profile.map((name) => oneOf('--profile', name, ['bare', 'everything'] as const)),
    without: values.without.map((name) => oneOf('--without', name, PIECES)),
    scale: {
      ...scale,
      rounds,
      idleRounds: Math.min(scale.idleRounds, rounds),
      seconds: number('--seconds', values.seconds, 0.05, 600) ?? scale.seconds,
    },
    minutes: number('--minutes', values.minutes, 1, 24 * 60) ?? 120,
    out: values.out,
    gatewayFlags: profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`],
  };
}

function oneOf<T extends string>(flag: string, given: string, known: readonly T[]): T {
  const found = known.find((name) => name === given);
  if (found === undefined) throw new Error(`${flag} ${given}: must be one of ${known.join(', ')}`);
  return found;
}

function number(flag: string, given: string | undefined, min: number, max: number): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!(value >= min && value <= max)) throw new Error(`${flag} ${given}: must be a number from ${min} to ${max}`);
  return value;
}
