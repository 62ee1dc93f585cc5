import { writeFileSync } from 'node:fs';
import { HELP, readOptions } from './options.js';
import { HEADER, inSeconds, line, upstreams, verdict } from './report.js';
import { soak } from './soak.js';
import { findings } from './verdict.js';

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  return 2;
});

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.help) return say(HELP);
  const { minutes, rate, seed, json } = options;
  say(`seed ${seed}: ${rate} calls a second for ${minutes} minutes\n${HEADER}\n`);
  const result = await soak({
    minutes,
    rate,
    seed,
    progress: (text) => process.stderr.write(`${text}\n`),
    report: (one) => say(`${line(one)}\n`),
  });
  const { seconds, missed, stall, flaps, tally, tallies } = result;
  const judged = findings(result);
  const busy = missed === 0 ? '' : `; ${missed} more were due while all clients had a call under way`;
  const still = stall < 1_000 ? '' : `; the load itself stood still for up to ${inSeconds(stall)}`;
  const slowest = `; the slowest answer took ${inSeconds(tally.slowest)}`;
  say(`${tally.sent} calls, the load ran for ${seconds.toFixed(0)} s${slowest}${busy}${still}\n`);
  say(`${upstreams(tallies, flaps).join('\n')}\n`);
  say(`${verdict(judged).join('\n')}\n`);
  const record = {
    seed,
    rate,
    ...result,
    flaps: Object.fromEntries(flaps),
    tallies: Object.fromEntries(tallies),
    findings: judged,
  };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(record)}\n`);
  const isGood = judged.every(({ state }) => state !== 'broken');
  if (!isGood) say(`again: npm run soak -- --minutes ${minutes} --rate ${rate} --seed ${seed}\n`);
  return isGood ? 0 : 1;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}
