// An upstream of one kind. It writes each nonce down before it answers, so that a kill loses no entry.
//   --kind stdio | sse | http-sessions | http-json | http-stream | modern   --port N
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
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

/**
 * `ask`: the user is asked first, in the way of the upstream's era, for the nonce of the call, and the answer is made of what it
 * is told: a question that reached somebody else shows. `steps`: so many reports of progress, 10 ms apart.
 */
async function call({ name, arguments: { nonce, ms, size, ask, steps = 0 } = {} }, extra) {
  if (!TOOLS.some((tool) => tool.name === name)) throw new Error(`Unknown tool: ${name}`);
  const question = { message: `Which call is this? ${nonce}`, requestedSchema: inputSchema };
  if (ask && flags.kind === 'modern' && !extra.mcpReq.inputResponses) {
    const { inputRequired } = await import('@modelcontextprotocol/server');
    return inputRequired({ inputRequests: { ask: inputRequired.elicit(question) } });
  }
  const told = ask && (flags.kind === 'modern' ? extra.mcpReq.inputResponses.ask : await elicited(question, extra));
  appendFileSync(LEDGER, `${nonce}\n`);
  const { _meta, signal, notify } = extra.mcpReq ?? { ...extra, notify: extra.sendNotification };
  for (let progress = 1; progress <= steps && !signal.aborted; progress++) {
    await notify({ method: 'notifications/progress', params: { progressToken: _meta?.progressToken, progress } });
    await pause(10);
  }
  if (ms > 0) await pause(ms);
  return { content: [{ type: 'text', text: answerTo(told ? `${told.content?.nonce ?? told.action}` : nonce, size) }] };
}

async function elicited(question, { sendRequest, signal }) {
  const { ElicitResultSchema } = await import('@modelcontextprotocol/sdk/types.js');
  const request = { method: 'elicitation/create', params: question };
  return sendRequest(request, ElicitResultSchema, { signal, timeout: 60_000 });
}

const handlers = () => ({ 'tools/list': () => ({ tools: TOOLS }), 'tools/call': call });
const options = { capabilities: { tools: {} } };
const port = Number(flags.port);
const lib = (name) => import(`../../fixtures/lib/${name}.mjs`);

// Only what its kind needs is loaded: a dozen of these start at once.
async function legacy() {
  const { tableServer } = await lib('dispatch');
  return () => tableServer(INFO, options, handlers);
}

async function modern() {
  const [{ Audience, dualServer }, { serveDualHttp }] = await Promise.all([lib('dual-server'), lib('dual-http')]);
  const schemas = () => Object.fromEntries(TOOLS.map((tool) => [tool.name, tool.inputSchema]));
  const create = () => dualServer(INFO, options, handlers, schemas);
  return serveDualHttp(create, { era: 'modern', audience: new Audience(), port });
}

async function http(more) {
  const { serveHttp } = await lib('serve-http');
  return serveHttp(await legacy(), { port, ...more });
}

const SERVE = {
  sse: async () => (await lib('serve-sse')).serveSse(await legacy(), { port }),
  'http-sessions': () => http({}),
  'http-json': () => http({ stateless: true, json: true }),
  'http-stream': () => http({ stateless: true }),
  modern,
};

if (flags.kind === 'stdio') {
  if (existsSync(process.env.CHAOS_AWAY ?? '')) process.exit(1);
  process.stdin.once('end', () => process.exit(0));
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const create = await legacy();
  await create().connect(new StdioServerTransport());
} else {
  const { url } = await SERVE[flags.kind]();
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  process.once('SIGTERM', () => process.exit(0));
}
