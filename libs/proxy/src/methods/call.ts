import type { CatalogueItem } from '#libs/catalogue';
import { GatewayError, type Outcome } from '#libs/kernel';
import { JsonView, paramHeaderValues, restoreArgumentUris } from '#libs/mcp';
import type { Desk, Handler, Request } from './context.js';
import { forUpstream, requiredString } from './params.js';
import { RETRY_MEMBERS, route } from './route.js';
import { isError } from './sink.js';

export const callTool: Handler = async (desk, request) => {
  const item = namedTool(request);
  const { server, name: tool } = item.ref;
  const started = performance.now();
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
  const item = namedPrompt(request);
  return sendNamed(desk, request, item, `prompt ${item.ref.name}`);
};

type Named = Pick<Request, 'view' | 'message'>;

/** @throws GatewayError UNKNOWN_TOOL */
export function namedTool({ view, message }: Named): CatalogueItem {
  const name = requiredString(message.params, 'name', 'tools/call');
  const item = view.tool(name);
  if (!item) throw new GatewayError('UNKNOWN_TOOL', `Unknown tool: ${name}`);
  return item;
}

/** @throws GatewayError UNKNOWN_PROMPT */
export function namedPrompt({ view, message }: Named): CatalogueItem {
  const name = requiredString(message.params, 'name', 'prompts/get');
  const item = view.prompt(name);
  if (!item) throw new GatewayError('UNKNOWN_PROMPT', `Unknown prompt: ${name}`);
  return item;
}

/** tools/call and prompts/get: the upstream's own name goes in, URIs the caller got from that server go back. */
function sendNamed(desk: Desk, request: Request, item: CatalogueItem, subject: string): Promise<Outcome> {
  const params = namedParams(request, item);
  const headers = request.view.paramHeaders(item);
  return route(desk, request, {
    server: item.ref.server,
    params,
    subject,
    repeatable: item.ref.kind === 'prompt',
    ...(item.wrapsOutput && { wrapsOutput: true }),
    ...(headers.size > 0 && { paramHeaders: paramHeaderValues(JsonView.of(params).get('arguments'), headers) }),
  });
}

/** Task augmentation is not offered, so a `task` member (2025-11-25) stays on the client's hop. */
function namedParams({ exchange, view, message }: Request, { ref }: CatalogueItem): Buffer {
  const own = forUpstream(message.params as JsonView, {
    set: { name: JSON.stringify(ref.name) },
    remove: ['task', ...RETRY_MEMBERS],
  });
  if (exchange.endpoint.kind === 'server') return own;
  return restoreArgumentUris(own, view.prefixOf(ref.server), (exposed) => view.restoreUri(ref.server, exposed));
}
