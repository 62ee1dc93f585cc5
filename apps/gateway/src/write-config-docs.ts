import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { configKeys, fillKeyTables } from '#libs/config';

// `npm run docs:config` writes the tables of the configuration reference; with --check it only compares, for CI.
const [target = 'docs/configuration.md', flag] = process.argv.slice(2);
const page = readFileSync(target, 'utf8');
const filled = fillKeyTables(page, configKeys());
if (flag !== '--check') writeFileSync(target, filled);
else if (page !== filled) {
  process.stderr.write(`${target} is not what the schema classes say; run \`npm run docs:config\` and commit it\n`);
  process.exit(1);
}
