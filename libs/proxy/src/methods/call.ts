import type { CatalogueItem } from '#libs/catalogue';
import { GatewayError, type ObjectRef, type Outcome } from '#libs/kernel';
import { type Draft, type JsonView, restoreArgumentUris } from '#libs/mcp';
import { authorize } from './authorize.js';
import { type Desk, endpointLabel, fail, type Handler, notListed, type Request } from './context.js';
import { forUpstream, RETRY_MEMBERS, requiredString } from './params.js';
import { type Route, route } from './route.js';
import { isError } from './sink.js';

export const callTool: Handler = async (desk, request) => {
  const name = toolName(request);
  const item = request.view.tool(name);
  const started = performance.now();
  if (!item || !authorize(desk, request, item.ref)) {
    const server = request.view.absent(name) ?? endpointLabel(request.exchange.endpoint);
    desk.metrics.toolCalled(server, 'other');
    desk.metrics.toolFinished(server, 'other', 'error', (performance.now() - started) / 1000);
    throw notListed(desk, request, 'tools', name, unknownTool(name));
  }
  const { server, name: tool } = item.ref;
  desk.metrics.toolCalled(server, tool);
  let failed = true;
  try {
    const outcome = await sendNamed(desk, request, item, `tool ${tool}`, () => fail(unknownTool(name)));
    failed = isError(outcome);
    request.verdict.failed = failed;
    return outcome;
  } finally {
    desk.metrics.toolFinished(server, tool, failed ? 'error' : 'success', (performance.now() - started) / 1000);
  }
};

export const getPrompt: Handler = async (desk, request) => {
  const name = promptName(request);
  const item = request.view.prompt(name);
  if (!item || !authorize(desk, request, item.ref))
    throw notListed(desk, request, 'prompts', name, unknownPrompt(name));
  return sendNamed(desk, request, item, `prompt ${item.ref.name}`, () => fail(unknownPrompt(name)));
};

/** @throws GatewayError UNKNOWN_TOOL, INSUFFICIENT_SCOPE */
export function toolOf(desk: Desk, request: Request): CatalogueItem {
  const name = toolName(request);
  const item = request.view.tool(name);
  if (!item || !authorize(desk, request, item.ref)) throw unknownTool(name);
  return item;
}

/** @throws GatewayError UNKNOWN_PROMPT, INSUFFICIENT_SCOPE */
export function promptOf(desk: Desk, request: Request): CatalogueItem {
  const name = promptName(request);
  const item = request.view.prompt(name);
  if (!item || !authorize(desk, request, item.ref)) throw unknownPrompt(name);
  return item;
}

const toolName = ({ message }: Pick<Request, 'message'>) => requiredString(message.params, 'name', 'tools/call');
const promptName = ({ message }: Pick<Request, 'message'>) => requiredString(message.params, 'name', 'prompts/get');

function unknownTool(name: string): GatewayError {
  return new GatewayError('UNKNOWN_TOOL', `Unknown tool: ${name.slice(0, 200)}`);
}

function unknownPrompt(name: string): GatewayError {
  return new GatewayError('UNKNOWN_PROMPT', `Unknown prompt: ${name.slice(0, 200)}`);
}

/** tools/call and prompts/get: the upstream's own name goes in, URIs the caller got from that server go back. */
function sendNamed(
  desk: Desk,
  request: Request,
  item: CatalogueItem,
  subject: string,
  unknown: Route['unknown'],
): Promise<Outcome> | Outcome {
  const params = namedParams(request, item.ref);
  const headers = request.view.paramHeaders(item);
  return route(desk, request, {
    ref: item.ref,
    unknown,
    params,
    subject,
    repeatable: item.ref.kind === 'prompt' || item.repeatable === true,
    solo: item.ref.kind === 'tool',
    wrapsOutput: item.wrapsOutput === true,
    declaredHeaders: headers.size > 0 ? headers : undefined,
  });
}

const NOT_RELAYED = ['task', ...RETRY_MEMBERS];

/** Task augmentation is not offered, so a `task` member (2025-11-25) stays on the client's hop. */
export function namedParams({ exchange, view, message }: Request, ref: ObjectRef): Draft {
  const params = message.params as JsonView;
  const inside =
    exchange.endpoint.kind === 'server'
      ? undefined
      : restoreArgumentUris(params, view.prefixOf(ref.server), (exposed) => view.restoreUri(ref.server, exposed));
  return forUpstream(params, { set: { name: JSON.stringify(ref.name) }, remove: NOT_RELAYED, inside });
}
