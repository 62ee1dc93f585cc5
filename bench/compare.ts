import { readFileSync } from 'node:fs';
import { compare, showComparison } from './report/compare.ts';
import { readReport } from './report/shape.ts';

const [before, after, ...more] = process.argv.slice(2);
if (before === undefined || after === undefined || more.length > 0) {
  process.stderr.write('npm run bench:compare A.json B.json\n');
  process.exitCode = 2;
} else {
  try {
    const [old, now] = [before, after].map((file) => readReport(readFileSync(file, 'utf8'), file));
    if (old && now) process.stdout.write(`${showComparison(compare(old, now))}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
