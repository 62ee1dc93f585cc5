// Runs the official conformance suite twice, against the fixture server and through the gateway in front of it, and
// compares every check. There is no list of expected failures: a difference is a failure.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { count, differences, passed } from './compare.mjs';
import { freePort, start, stopAll, until } from './processes.mjs';
import { requirements, runSuite, version } from './suite.mjs';

const REVISION = '2025-11-25';
const FIXTURE = fileURLToPath(new URL('../fixtures/conformance-server/server.mjs', import.meta.url));
const GATEWAY = fileURLToPath(new URL('../../bin/mcp-gateway.js', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'mcp-gateway-conformance-'));

async function startFixture() {
  const child = start(process.execPath, [FIXTURE, '--http', '--resumable']);
  return until('The fixture server listens', child, 20_000, () => /"url":"([^"]+)"/.exec(child.output)?.[1]);
}

/** True once the endpoint shows the fixture's tools: the upstream is discovered. */
async function listsTools(url) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const post = (body, extra = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { ...headers, ...extra },
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    });
  const clientInfo = { name: 'conformance-runner', version: '1.0.0' };
  const hello = await post({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: REVISION, capabilities: {}, clientInfo },
  });
  if (!hello.ok) throw new Error(`initialize answered ${hello.status}: ${await hello.text()}`);
  await hello.text();
  const session = { 'mcp-session-id': hello.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': REVISION };
  await (await post({ method: 'notifications/initialized' }, session)).text();
  const list = await (await post({ id: 2, method: 'tools/list' }, session)).text();
  await (await fetch(url, { method: 'DELETE', headers: session })).text();
  return list.includes('"inputSchema"');
}

async function startGateway(upstream) {
  const port = await freePort();
  const config = join(work, 'config.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      server: { url: `http://127.0.0.1:${port}`, port },
      proxy: { servers: [{ name: 'fixture', type: 'streamable-http', connection: { url: upstream } }] },
    }),
  );
  const child = start(process.execPath, [GATEWAY, 'serve', '--config', config]);
  const url = `http://127.0.0.1:${port}/mcp/fixture`;
  await until('The gateway shows the fixture', child, 30_000, () => listsTools(url));
  return url;
}

function report(direct, through) {
  const { required, unscored } = requirements(REVISION);
  let good = 0;
  console.log(`\n${'scenario'.padEnd(36)}${'direct'.padEnd(20)}${'gateway'.padEnd(20)}`);
  for (const scenario of [...required, ...unscored]) {
    const [left, right] = [direct.checks.get(scenario) ?? [], through.checks.get(scenario) ?? []];
    const lines = differences(left, right);
    const ok = passed(left) && passed(right) && lines.length === 0;
    const scored = required.includes(scenario);
    if (scored && ok) good += 1;
    const verdict = ok ? 'ok' : scored ? 'FAILED' : 'differs (not scored)';
    console.log(`${scenario.padEnd(36)}${count(left).padEnd(20)}${count(right).padEnd(20)}${verdict}`);
    for (const line of lines) console.log(`    ${line}`);
  }
  console.log(`\n${good} passed, ${required.length - good} failed`);
  return good === required.length;
}

let ok = false;
try {
  console.log(`@modelcontextprotocol/conformance ${version}, requirements ${REVISION}, Node ${process.version}`);
  const upstream = await startFixture();
  const direct = await runSuite(upstream, REVISION, join(work, 'direct'));
  console.log(`direct run against the fixture: exit ${direct.exit}`);
  const url = await startGateway(upstream);
  const through = await runSuite(url, REVISION, join(work, 'gateway'));
  console.log(`run through the gateway: exit ${through.exit}`);
  ok = report(direct, through) && direct.exit === 0 && through.exit === 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
} finally {
  await stopAll();
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = ok ? 0 : 1;
