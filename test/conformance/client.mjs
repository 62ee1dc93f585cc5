// What the suite starts as the client under test: `client.mjs <server url>`, with `--through-gateway` a gateway in front of
// that server, driven by the same SDK client. It lists everything, calls every tool and answers every question.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { startGateway } from './gateway.mjs';
import { stopAll } from './processes.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'through-gateway': { type: 'boolean', default: false } },
});
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2025-11-25';
const { toolCalls } = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const era = version >= '2026' ? 'modern' : 'legacy';
const mode = era === 'modern' ? { pin: version } : 'legacy';

/** Arguments of the types a schema asks for. */
function argumentsFor({ inputSchema }, others) {
  const some = { string: 'some text', number: 2, integer: 2, boolean: true, array: [], null: null };
  const properties = Object.entries(inputSchema.properties ?? {});
  // An object that is called a schema is one: that of another tool, as it was received.
  const value = ([name, { type }]) => (name === 'schema' ? others[0]?.inputSchema : (some[type] ?? {}));
  return Object.fromEntries(properties.map((property) => [property[0], value(property)]));
}

/** The tools; behind a gateway that has just started they may come a moment later. */
async function toolsOf(client, patience) {
  for (const end = Date.now() + patience; ; await pause(50)) {
    const { tools } = await client.listTools(undefined, { cacheMode: 'refresh' });
    if (tools.length > 0 || Date.now() > end) return tools;
  }
}

async function use(client, patience) {
  const tools = await toolsOf(client, patience);
  const calls =
    toolCalls?.filter(({ name }) => tools.some((tool) => tool.name === name)) ??
    tools.map((tool) => ({
      name: tool.name,
      arguments: argumentsFor(
        tool,
        tools.filter((other) => other !== tool),
      ),
    }));
  for (const call of calls) await client.callTool(call).catch((error) => console.error(call.name, error.message));
  const capabilities = client.getServerCapabilities() ?? {};
  if (capabilities.resources) {
    const { resources } = await client.listResources();
    for (const { uri } of resources) await client.readResource({ uri });
  }
  if (capabilities.prompts) {
    const { prompts } = await client.listPrompts();
    for (const { name } of prompts) await client.getPrompt({ name });
  }
}

/** Whether the gateway's endpoint answers: what is behind it may be strange. */
const answers = async (url) => (await fetch(url, { method: 'PUT' })).status > 0;

const directory = mkdtempSync(join(tmpdir(), 'mcp-gateway-client-'));
try {
  const target = positionals[0] ?? '';
  const url = values['through-gateway']
    ? (await startGateway(target, { directory, protocol: era, ready: answers })).url
    : target;
  const client = new Client(
    { name: 'conformance-driver', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } },
  );
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirmed: true } }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await use(client, values['through-gateway'] ? 3000 : 0);
  await client.close();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
}
