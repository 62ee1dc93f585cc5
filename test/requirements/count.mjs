// Prints how many rules are proven by tests, and how many say why they are not: node test/requirements/count.mjs
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const here = new URL('.', import.meta.url);
const rules = readdirSync(here)
  .filter((file) => /^rules-.*\.yaml$/.test(file))
  .flatMap((file) => Object.entries(parse(readFileSync(new URL(file, here), 'utf8'))));

/** Threats have three digits; what the gateway owes has a letter group of its own; the rest are rules of the protocol. */
const groupOf = (id) =>
  /^T\d{3}$/.test(id) ? 'threats' : /^(RS|UP|AZ)-/.test(id) ? 'security requirements' : 'protocol';

for (const group of ['threats', 'security requirements', 'protocol']) {
  const own = rules.filter(([id]) => groupOf(id) === group);
  const excepted = own.filter(([, rule]) => rule.none !== undefined);
  const tests = new Set(own.flatMap(([, { tests = [], suite = [] }]) => [...tests, ...suite]));
  process.stdout.write(
    `${group}: ${own.length} rules, ${own.length - excepted.length} proven by ${tests.size} tests, ${excepted.length} excepted\n`,
  );
  if (group !== 'protocol') for (const [id, { none }] of excepted) process.stdout.write(`  ${id}: ${none}\n`);
}
