import type { CatalogueItem } from '#libs/catalogue';
import { GatewayError, type Outcome } from '#libs/kernel';
import { type JsonView, restoreArgumentUris } from '#libs/mcp';
import { type Desk, endpointLabel, type Handler, logLevelOf, notListed, type Request, upstreamOf } from './context.js';
import { deliver } from './deliver.js';
import { forUpstream, progressTokenOf, requiredString } from './params.js';
import { callSink, isError } from './sink.js';

export const callTool: Handler = async (desk, request) => {
  const name = requiredString(request.message.params, 'name', 'tools/call');
  const item = request.view.tool(name);
  const started = performance.now();
  if (!item) {
    const server = request.view.absent(name) ?? endpointLabel(request.exchange.endpoint);
    desk.metrics.toolCalled(server, 'other');
    desk.metrics.toolFinished(server, 'other', 'error', (performance.now() - started) / 1000);
    throw notListed(desk, request, name, new GatewayError('UNKNOWN_TOOL', `Unknown tool: ${name.slice(0, 200)}`));
  }
  const { server, name: tool } = item.ref;
  desk.metrics.toolCalled(server, tool);
  let failed = true;
  try {
    const outcome = await sendNamed(desk, request, item, `tool ${tool}`);
    failed = isError(outcome);
    return outcome;
  } finally {
    desk.metrics.toolFinished(server, tool, failed ? 'error' : 'success', (performance.now() - started) / 1000);
  }
};

export const getPrompt: Handler = async (desk, request) => {
  const name = requiredString(request.message.params, 'name', 'prompts/get');
  const item = request.view.prompt(name);
  if (!item)
    throw notListed(desk, request, name, new GatewayError('UNKNOWN_PROMPT', `Unknown prompt: ${name.slice(0, 200)}`));
  return sendNamed(desk, request, item, `prompt ${item.ref.name}`);
};

/** tools/call and prompts/get: the upstream's own name goes in, URIs the caller got from that server go back. */
async function sendNamed(desk: Desk, request: Request, item: CatalogueItem, subject: string): Promise<Outcome> {
  const { exchange, view } = request;
  const { method, params } = request.message;
  const { server } = item.ref;
  const progressToken = progressTokenOf(params);
  const outcome = await upstreamOf(desk, server).send(
    {
      method,
      params: namedParams(params as JsonView, request, item),
      wantsProgress: progressToken !== undefined,
      subject,
      repeatable: method === 'prompts/get',
    },
    exchange,
    callSink({ exchange, view, server, progressToken, logLevel: logLevelOf(desk, exchange) }),
  );
  return deliver(desk, request, server, outcome);
}

/** Task augmentation is not offered, so a `task` member (2025-11-25) stays on the client's hop. */
function namedParams(params: JsonView, { exchange, view }: Request, { ref }: CatalogueItem): Buffer {
  const own = forUpstream(params, { set: { name: JSON.stringify(ref.name) }, remove: ['task'] });
  if (exchange.endpoint.kind === 'server') return own;
  return restoreArgumentUris(own, view.prefixOf(ref.server), (exposed) => view.restoreUri(ref.server, exposed));
}
