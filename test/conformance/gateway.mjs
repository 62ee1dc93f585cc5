import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, start, until } from './processes.mjs';

export const GATEWAY = fileURLToPath(new URL('../../bin/mcp-gateway.js', import.meta.url));
const REVISION = '2025-11-25';

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

/**
 * Starts the gateway in front of one upstream and waits until it shows its tools.
 * @returns {Promise<{ url: string, child: import('node:child_process').ChildProcess }>} where its clients find that upstream alone
 */
export async function startGateway(upstream, { directory, protocol = 'auto', ready = listsTools }) {
  const port = await freePort();
  const config = join(directory, `config-${port}.yaml`);
  writeFileSync(
    config,
    JSON.stringify({
      server: { url: `http://127.0.0.1:${port}`, port },
      proxy: { servers: [{ name: 'fixture', type: 'streamable-http', protocol, connection: { url: upstream } }] },
    }),
  );
  const child = start(process.execPath, [GATEWAY, 'serve', '--config', config]);
  const url = `http://127.0.0.1:${port}/mcp/fixture`;
  await until('The gateway shows the fixture', child, 30_000, () => ready(url));
  return { url, child };
}
