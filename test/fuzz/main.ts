import { readOptions } from './options.js';
import { type Report, runTarget } from './run-target.js';
import { TARGETS } from './targets/index.js';

const options = readOptions(process.argv.slice(2));
const chosen = TARGETS.filter(({ name }) => name.includes(options.only));
if (chosen.length === 0) {
  throw new Error(`--only ${options.only}: there are ${TARGETS.map(({ name }) => name).join(', ')}`);
}
const total = chosen.reduce((sum, { share }) => sum + share, 0);

const row = (cells: readonly (string | number)[]): string =>
  [String(cells[0]).padEnd(20), ...cells.slice(1).map((cell) => String(cell).padStart(10))].join(' ');
process.stdout.write(`${row(['target', 'cases', 'seed', 'seconds', 'taken', 'heap MiB', 'findings'])}\n`);

const reports: Report[] = [];
for (const target of chosen) {
  const report = await runTarget(target, Math.ceil((options.runs * target.share) / total), options);
  reports.push(report);
  const { cases, seed, seconds, taken, heaps, findings } = report;
  const share = taken === undefined ? '' : `${(taken * 100).toFixed(1)} %`;
  const heap = `${heaps.at(0)?.toFixed(0)}-${heaps.at(-1)?.toFixed(0)}`;
  process.stdout.write(`${row([target.name, cases, seed, seconds.toFixed(1), share, heap, findings.length])}\n`);
}
const cases = reports.reduce((sum, report) => sum + report.cases, 0);
const seconds = reports.reduce((sum, report) => sum + report.seconds, 0);
const findings = reports.flatMap((report) => report.findings.map((finding) => ({ ...finding, target: report.target })));
process.stdout.write(`${row(['all', cases, options.seed, seconds.toFixed(1), '', '', findings.length])}\n`);

for (const { target, text, replay } of findings) {
  process.stdout.write(`\n${target}: ${text}\n`);
  if (replay) process.stdout.write(`    again: npm run fuzz -- ${replay}\n`);
}
process.exitCode = findings.length === 0 ? 0 : 1;
