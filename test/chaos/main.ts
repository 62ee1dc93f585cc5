import { writeFileSync } from 'node:fs';
import { conduct, type Result } from './conduct.js';
import type { Experiment } from './experiment.js';
import { EXPERIMENTS } from './experiments/index.js';
import { HELP, readOptions } from './options.js';
import { HEADER, isGood, lines } from './report.js';

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 2;
});

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.help) return say(HELP);
  if (options.list) {
    return say(EXPERIMENTS.map(({ name, about, seconds }) => `${name.padEnd(28)} ${about} (${seconds} s)\n`).join(''));
  }
  const chosen = choose(options.experiments);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1_000;
  const results: Result[] = [];
  const leftOut: string[] = [];
  say(`seed ${options.seed}\n${HEADER}\n`);
  for (const experiment of chosen) {
    if (elapsed() + experiment.seconds > options.seconds) {
      leftOut.push(experiment.name);
      continue;
    }
    const result = await conduct(experiment, { seed: options.seed, progress: showProgress });
    showProgress('');
    results.push(result);
    say(`${lines(result).join('\n')}\n`);
  }
  if (leftOut.length > 0) say(`left out, for they would not fit into ${options.seconds} s: ${leftOut.join(', ')}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ seed: options.seed, results })}\n`);
  const bad = results.filter((result) => !isGood(result));
  for (const { name } of bad) say(`again: npm run chaos -- --experiment ${name} --seed ${options.seed}\n`);
  if (results.length === 0) throw new Error(`no experiment fits into ${options.seconds} s`);
  say(`${results.length} experiments in ${elapsed().toFixed(1)} s, ${bad.length} with something wrong\n`);
  return bad.length === 0 ? 0 : 1;
}

function choose(names: readonly string[]): readonly Experiment[] {
  const known = EXPERIMENTS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--experiment ${unknown}: there are ${known.join(', ')}`);
  return names.length === 0 ? EXPERIMENTS : EXPERIMENTS.filter(({ name }) => names.includes(name));
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** On a terminal one line that replaces the last one; elsewhere a line each, so that a log shows where a run hangs. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '') process.stderr.write(`  ${(performance.now() / 1_000).toFixed(1).padStart(6)} s ${text}\n`);
}
