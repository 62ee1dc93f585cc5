import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chosenCases } from './cases/index.ts';
import { placement } from './machine/cpus.ts';
import { HELP, readOptions } from './options.ts';
import { showCase, showEnd } from './report/print.ts';
import { faultsIn } from './report/shape.ts';
import { runBench } from './run.ts';
import { ROOT } from './targets/paths.ts';

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${process.env['BENCH_STACK'] ? error.stack : error.message}\n`);
  return 1;
});

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const cases = chosenCases(options.cases);
  if (options.list) {
    process.stdout.write(cases.map(({ name, about }) => `${name.padEnd(20)} ${about}\n`).join(''));
    return 0;
  }
  const report = await runBench({
    ...options,
    cases,
    placement: placement(),
    interrupted: interruption(),
    progress: showProgress,
    onCase: (done) => {
      showProgress('');
      process.stdout.write(`${showCase(done)}\n\n`);
    },
  });
  showProgress('');
  process.stdout.write(`${showEnd(report)}\n`);
  const file = options.out ?? join(ROOT, 'results', `bench-${report.started.replaceAll(/[:.]/g, '-')}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report)}\n`);
  process.stdout.write(`written to ${file}\n`);
  return faultsIn(report).length === 0 ? 0 : 1;
}

/** The first signal ends the run in order; the second one at once, and the processes with it. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => (controller.signal.aborted ? process.exit(130) : controller.abort()));
  }
  return controller.signal;
}

/** On a terminal one line that replaces the last one; elsewhere nothing but what ends a line. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text.endsWith('\n')) process.stderr.write(text);
}
