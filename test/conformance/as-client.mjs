import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { count, differences, failures } from './compare.mjs';
import { runClientScenario } from './suite.mjs';

const DRIVER = fileURLToPath(new URL('client.mjs', import.meta.url));
const [LEGACY, MODERN] = ['2025-11-25', '2026-07-28'];

/** What the suite asks of a client and a gateway does towards its upstreams. */
const SCENARIOS = [
  ['initialize', LEGACY],
  ['tools_call', LEGACY],
  ['sse-retry', LEGACY],
  ['json-schema-2020-12-preservation', LEGACY],
  ['tools_call', MODERN],
  ['request-metadata', MODERN],
  ['http-standard-headers', MODERN],
  ['http-custom-headers', MODERN],
  ['http-invalid-tool-headers', MODERN],
  ['sep-2322-client-request-state', MODERN],
  ['json-schema-ref-no-deref', MODERN],
  ['json-schema-2020-12-preservation', MODERN],
];

/**
 * Runs the client scenarios, the SDK's client alone as the yardstick: the gateway between it and the suite's server must
 * not fail a check that the client alone passes.
 */
export async function runAsClient(work, only) {
  const chosen = SCENARIOS.filter(([scenario]) => only === undefined || scenario === only);
  let good = 0;
  console.log(`${'scenario'.padEnd(46)}${'direct'.padEnd(20)}${'gateway'.padEnd(20)}`);
  for (const [scenario, revision] of chosen) {
    const run = (flag, label) =>
      runClientScenario([DRIVER, ...flag], scenario, revision, join(work, `${label}-${scenario}-${revision}`));
    const direct = await run([], 'client');
    const through = await run(['--through-gateway'], 'gateway');
    const worse = failures(through.checks).filter((id) => !failures(direct.checks).includes(id));
    const ok = direct.checks.length > 0 && through.checks.length > 0 && worse.length === 0;
    if (ok) good += 1;
    const name = `${scenario} (${revision})`;
    const verdict = ok ? 'ok' : 'FAILED';
    console.log(`${name.padEnd(46)}${count(direct.checks).padEnd(20)}${count(through.checks).padEnd(20)}${verdict}`);
    for (const line of differences(direct.checks, through.checks)) {
      if (!line.endsWith(' INFO')) console.log(`    ${line}`);
    }
    if (!ok) console.log(through.output);
  }
  return { good, total: chosen.length, ok: good === chosen.length };
}
