// What the suite starts as the OAuth client under test: `oauth-client.mjs <server url>`. A gateway with client credentials
// stands before that server, and finds the token endpoint by itself. Which authorization server may have its secret is an
// operator's decision, so this does what an operator does: it starts with another issuer, reads in the log whom the
// upstream names, and writes that one into the configuration, which the running gateway follows. Then one tool is called.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { GATEWAY } from './gateway.mjs';
import { freePort, start, stopAll, until } from './processes.mjs';

const [target = ''] = process.argv.slice(2);
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2025-11-25';
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const era = version >= '2026' ? 'modern' : 'legacy';
const directory = mkdtempSync(join(tmpdir(), 'mcp-gateway-oauth-'));
const file = join(directory, 'config.yaml');
const NOBODY = 'http://127.0.0.1:9';

function configure(port, issuer) {
  const auth = {
    type: 'oauth-client-credentials',
    token_url: null,
    issuer,
    client_id: context.client_id ?? 'some-client',
    client_secret: context.client_secret ?? 'some-secret-0123456789',
  };
  const upstream = { name: 'fixture', type: 'streamable-http', protocol: era, connection: { url: target }, auth };
  const server = { url: `http://127.0.0.1:${port}`, port };
  const retry = { initial: '100ms', max: '500ms', multiplier: 2 };
  writeFileSync(file, JSON.stringify({ server, proxy: { retry, servers: [upstream] } }));
}

/** What the gateway's log says of the metadata it refused. */
async function refusal(child) {
  return until(
    'The gateway judges the metadata',
    child,
    15_000,
    () => /no token endpoint found: (.*?)"/.exec(child.output)?.[1],
  );
}

async function use(url) {
  const mode = era === 'modern' ? { pin: version } : 'legacy';
  const client = new Client({ name: 'conformance-driver', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  for (const end = Date.now() + 5_000; ; await pause(50)) {
    const { tools } = await client.listTools(undefined, { cacheMode: 'refresh' });
    if (tools[0]) {
      await client.callTool({ name: tools[0].name, arguments: {} });
      break;
    }
    if (Date.now() > end) throw new Error('the gateway shows no tool of the upstream');
  }
  await client.close();
}

try {
  const port = await freePort();
  configure(port, NOBODY);
  const child = start(process.execPath, [GATEWAY, 'serve', '--config', file, '--log-format', 'json']);
  const said = await refusal(child);
  const [, issuer] = / names (\S+), and not the auth\.issuer/.exec(said) ?? [];
  if (issuer === undefined) throw new Error(said);
  configure(port, issuer);
  const url = `http://127.0.0.1:${port}/mcp/fixture`;
  // Refused once more by what the named server says of itself, or served.
  const again = child.output.length;
  await until('The gateway follows', child, 15_000, () =>
    /fixture is ready|of another issuer/.test(child.output.slice(again)),
  );
  await use(url);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
}
