// Runs the official conformance suite for every cell {legacy, modern client} x {legacy, modern upstream}, through the
// gateway and directly against the fixture server, and compares; then the scenarios for clients, with the gateway as the
// client, those about OAuth apart. `--cell ll|mm|lm|ml|client|oauth` runs one of them, `--scenario` one for clients.
//
// Where client and upstream speak the same era a check that turns out worse is a failure; across eras a required
// scenario must pass, but for the two a bridge cannot do (cells.mjs).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runAsClient } from './as-client.mjs';
import { runAsOauthClient } from './as-oauth-client.mjs';
import { CELLS } from './cells.mjs';
import { count, differences, isWorse, passed } from './compare.mjs';
import { startGateway } from './gateway.mjs';
import { start, stop, stopAll, until } from './processes.mjs';
import { requirements, runSuite, version } from './suite.mjs';

const work = mkdtempSync(join(tmpdir(), 'mcp-gateway-conformance-'));

async function startFixture(args) {
  const child = start(process.execPath, args);
  const url = await until('The fixture server listens', child, 20_000, () => /"url":"([^"]+)"/.exec(child.output)?.[1]);
  return { url, child };
}

/** The suite against the fixture with nothing in between, once per fixture and revision. */
const yardsticks = new Map();
async function direct({ direct: args, revision }) {
  const key = JSON.stringify([args, revision]);
  const known = yardsticks.get(key);
  if (known) return known;
  const { url, child } = await startFixture(args);
  const run = await runSuite(url, revision, join(work, `direct-${yardsticks.size}`));
  await stop(child);
  yardsticks.set(key, run);
  return run;
}

async function throughGateway(name, { upstream, revision, protocol }) {
  const fixture = await startFixture(upstream);
  const gateway = await startGateway(fixture.url, { directory: work, protocol });
  const run = await runSuite(gateway.url, revision, join(work, name));
  await stop(gateway.child);
  await stop(fixture.child);
  return run;
}

function judge(cell, left, right, lines, scored) {
  if (!scored && !cell.asDirect?.includes(lines.scenario)) return lines.length === 0 ? 'ok' : 'differs (not scored)';
  return passed(left) && passed(right) && !(cell.same && lines.some(isWorse)) ? 'ok' : 'FAILED';
}

/** Prints what every scenario came to, and returns how many of the required ones passed and whether that will do. */
function report(cell, yardstick, through) {
  const { required, unscored } = requirements(cell.revision);
  const failed = [];
  console.log(`${'scenario'.padEnd(46)}${'direct'.padEnd(20)}${'gateway'.padEnd(20)}`);
  for (const scenario of [...required, ...unscored]) {
    const [left, right] = [yardstick.checks.get(scenario) ?? [], through.checks.get(scenario) ?? []];
    const lines = Object.assign(differences(left, right), { scenario });
    const verdict = judge(cell, left, right, lines, required.includes(scenario));
    if (verdict === 'FAILED') failed.push(scenario);
    const known = verdict === 'FAILED' && cell.left?.includes(scenario) ? ' (known limit)' : '';
    console.log(`${scenario.padEnd(46)}${count(left).padEnd(20)}${count(right).padEnd(20)}${verdict}${known}`);
    for (const line of lines) console.log(`    ${line}`);
  }
  const good = required.filter((scenario) => !failed.includes(scenario)).length;
  const ok = failed.every((scenario) => cell.left?.includes(scenario)) && yardstick.exit === 0;
  const known = failed.filter((scenario) => cell.left?.includes(scenario)).length;
  return { good, known, total: required.length, ok };
}

async function runCell(name) {
  const cell = CELLS[name];
  if (!cell) throw new Error(`--cell ${name}: one of ${[...Object.keys(CELLS), ...Object.keys(AS_CLIENT)].join(', ')}`);
  console.log(`\n${cell.title}, requirements ${cell.revision}`);
  const yardstick = await direct(cell);
  const through = await throughGateway(name, cell);
  console.log(`exit ${yardstick.exit} direct, ${through.exit} through the gateway\n`);
  return { cell, ...report(cell, yardstick, through) };
}

/** The gateway as the client of the suite's own servers. */
const AS_CLIENT = {
  client: ['gateway as a client', runAsClient],
  oauth: ['gateway as an OAuth client', runAsOauthClient],
};

async function runClient(name) {
  const [title, run] = AS_CLIENT[name];
  console.log(`\n${title}\n`);
  return { cell: { title }, ...(await run(work, values.scenario)) };
}

const { values } = parseArgs({
  options: { cell: { type: 'string', multiple: true }, scenario: { type: 'string' } },
});
const names = values.cell ?? [...Object.keys(CELLS), ...Object.keys(AS_CLIENT)];
const summary = [];
let ok = true;
try {
  console.log(`@modelcontextprotocol/conformance ${version}, Node ${process.version}`);
  for (const name of names) {
    const result = name in AS_CLIENT ? await runClient(name) : await runCell(name);
    summary.push(result);
    ok &&= result.ok;
  }
} catch (error) {
  ok = false;
  console.error(error instanceof Error ? error.message : error);
} finally {
  await stopAll();
  rmSync(work, { recursive: true, force: true });
}

console.log('');
for (const { cell, good, total, ok: enough } of summary) {
  const floor = total - (cell.left?.length ?? 0);
  console.log(`${cell.title}: ${good}/${total} required, at least ${floor}: ${enough ? 'ok' : 'FAILED'}`);
}
const sum = (key) => summary.reduce((total, cell) => total + (cell[key] ?? 0), 0);
// What no bridge between eras can pass is named above as a known limit; a failure is what fails the run.
console.log(`\n${sum('good')} passed, ${sum('total') - sum('good') - sum('known')} failed, ${sum('known')} skipped`);
process.exitCode = ok && summary.length === names.length ? 0 : 1;
