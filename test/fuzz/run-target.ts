import fc from 'fast-check';
import { isLeak } from './memory.js';
import type { FuzzOptions } from './options.js';
import type { Prepared, Target } from './target.js';

export interface Finding {
  readonly text: string;
  /** Options that show it again; undefined for what is not one case's doing. */
  readonly replay?: string;
}

export interface Report {
  readonly target: string;
  readonly cases: number;
  readonly seed: number;
  readonly seconds: number;
  /** Share of the cases that were taken for good; undefined where there is no such thing. */
  readonly taken: number | undefined;
  /** MiB after each third. */
  readonly heaps: readonly number[];
  readonly findings: readonly Finding[];
}

const PARTS = 3;
const MIB = 1024 * 1024;

/** Throws a target's share of cases at it, in three parts with a look at its memory after each. */
export async function runTarget(target: Target, cases: number, { seed, path }: FuzzOptions): Promise<Report> {
  const began = performance.now();
  const prepared = await target.prepare().catch((cause: unknown) => {
    throw new Error(`${target.name} did not come up`, { cause });
  });
  const findings: Finding[] = [];
  const heaps: number[] = [];
  const accident = (thrown: unknown) => findings.push({ text: `a rejection nobody waited for: ${describe(thrown)}` });
  process.on('unhandledRejection', accident);
  let done = 0;
  let taken: number | undefined;
  try {
    for (let part = 0; part < (path === undefined ? PARTS : 1); part++) {
      const settings =
        path === undefined ? { seed: seed + part, numRuns: Math.ceil(cases / PARTS) } : { seed, path, numRuns: 1 };
      const details = await fc.check(prepared.property, settings);
      done += details.numRuns;
      if (details.failed) findings.push(found(target.name, details));
      heaps.push(await prepared.heap());
    }
    findings.push(...(await leftovers(prepared, heaps)));
    const share = prepared.taken();
    taken = share === undefined ? undefined : share / done;
    // Cases that all end the same way prove nothing.
    if (path === undefined && cases >= 1_000 && (taken === 0 || taken === 1))
      findings.push({ text: `${taken} of the cases are taken` });
  } finally {
    await prepared.close();
    process.off('unhandledRejection', accident);
  }
  const seconds = (performance.now() - began) / 1000;
  const report = { target: target.name, cases: done, seed, seconds, taken, findings };
  return { ...report, heaps: heaps.map((bytes) => bytes / MIB) };
}

async function leftovers(prepared: Prepared, heaps: readonly number[]): Promise<Finding[]> {
  const texts = [...(await prepared.rest())];
  if (isLeak(heaps))
    texts.push(`memory grows with the cases: ${heaps.map((it) => (it / MIB).toFixed(1)).join(', ')} MiB`);
  return texts.map((text) => ({ text }));
}

function found(name: string, details: fc.RunDetails<unknown>): Finding {
  const { counterexample, counterexamplePath, errorInstance, seed } = details;
  const shown = readable(fc.stringify(counterexample));
  const text = `${describe(errorInstance)}\n    case: ${shown.length > 4_000 ? `${shown.slice(0, 4_000)}…` : shown}`;
  return { text, replay: `--only ${name} --seed ${seed} --path ${counterexamplePath}` };
}

/** Bytes as the text they mostly are. */
function readable(shown: string): string {
  return shown.replace(/Buffer\.from\(\[([\d,]*)\]\)/g, (_whole, list: string) => {
    const text = Buffer.from(list === '' ? [] : list.split(',').map(Number)).toString('latin1');
    return `Buffer.from(${JSON.stringify(text)}, 'latin1')`;
  });
}

function describe(thrown: unknown): string {
  return thrown instanceof Error
    ? (thrown.stack ?? thrown.message).split('\n').slice(0, 6).join('\n    ')
    : String(thrown);
}
