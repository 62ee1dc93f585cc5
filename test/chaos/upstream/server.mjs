// An upstream of one kind. It writes each nonce down before it answers, so that a kill loses no entry.
//   --kind stdio | sse | http-sessions | http-json | http-stream | modern   --port N
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { invalidParams, tableServer, text } from '../../fixtures/lib/dispatch.mjs';
import { serveDualHttp } from '../../fixtures/lib/dual-http.mjs';
import { Audience, dualServer } from '../../fixtures/lib/dual-server.mjs';
import { serveHttp } from '../../fixtures/lib/serve-http.mjs';
import { serveSse } from '../../fixtures/lib/serve-sse.mjs';
import { answerTo } from '../ledger/answer.ts';

const { values: flags } = parseArgs({
  options: { kind: { type: 'string' }, port: { type: 'string', default: '0' } },
});
const LEDGER = process.env.CHAOS_LEDGER;
const INFO = { name: 'chaos', version: '1.0.0' };
const inputSchema = { type: 'object', properties: { nonce: { type: 'string' } }, required: ['nonce'] };
const TOOLS = [
  { name: 'work', inputSchema },
  { name: 'look', inputSchema, annotations: { readOnlyHint: true, idempotentHint: true } },
];

async function call({ name, arguments: { nonce, ms, size } = {} }) {
  if (!TOOLS.some((tool) => tool.name === name)) throw invalidParams(`Unknown tool: ${name}`);
  appendFileSync(LEDGER, `${nonce}\n`);
  if (ms > 0) await pause(ms);
  return text(answerTo(nonce, size));
}

const handlers = () => ({ 'tools/list': () => ({ tools: TOOLS }), 'tools/call': call });
const options = { capabilities: { tools: {} } };
const legacy = () => tableServer(INFO, options, handlers);
const modern = () =>
  dualServer(INFO, options, handlers, () => Object.fromEntries(TOOLS.map((tool) => [tool.name, tool.inputSchema])));

const port = Number(flags.port);
const SERVE = {
  sse: () => serveSse(legacy, { port }),
  'http-sessions': () => serveHttp(legacy, { port }),
  'http-json': () => serveHttp(legacy, { port, stateless: true, json: true }),
  'http-stream': () => serveHttp(legacy, { port, stateless: true }),
  modern: () => serveDualHttp(modern, { era: 'modern', audience: new Audience(), port }),
};

if (flags.kind === 'stdio') {
  if (existsSync(process.env.CHAOS_AWAY ?? '')) process.exit(1);
  process.stdin.once('end', () => process.exit(0));
  await legacy().connect(new StdioServerTransport());
} else {
  const { url } = await SERVE[flags.kind]();
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  process.once('SIGTERM', () => process.exit(0));
}
