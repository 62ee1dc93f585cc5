import type { Endpoint } from '#libs/kernel';
import { callTool, getPrompt } from './call.js';
import { complete } from './complete.js';
import type { Handler } from './context.js';
import { listHandler } from './list.js';
import { setLevel } from './logging.js';
import { readResource, subscribeResource, unsubscribeResource } from './resources.js';

interface Method {
  readonly handler: Handler;
  /** The server capability that stands for it: without it, a single-upstream endpoint does not know the method. */
  readonly capability: string;
}

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['tools/list', { handler: listHandler('tools'), capability: 'tools' }],
  ['tools/call', { handler: callTool, capability: 'tools' }],
  ['prompts/list', { handler: listHandler('prompts'), capability: 'prompts' }],
  ['prompts/get', { handler: getPrompt, capability: 'prompts' }],
  ['resources/list', { handler: listHandler('resources'), capability: 'resources' }],
  ['resources/templates/list', { handler: listHandler('templates'), capability: 'resources' }],
  ['resources/read', { handler: readResource, capability: 'resources' }],
  ['resources/subscribe', { handler: subscribeResource, capability: 'resources' }],
  ['resources/unsubscribe', { handler: unsubscribeResource, capability: 'resources' }],
  ['completion/complete', { handler: complete, capability: 'completions' }],
  ['logging/setLevel', { handler: setLevel, capability: 'logging' }],
]);

/**
 * The handler of a method at this endpoint. Behind one upstream whose capabilities are known, what it did not declare
 * does not exist; an aggregate knows every method, since servers come and go.
 */
export function handlerOf(
  method: string,
  endpoint: Endpoint,
  capabilities: Readonly<Record<string, unknown>> | undefined,
): Handler | undefined {
  const known = METHODS.get(method);
  if (!known) return undefined;
  // 2024-11-05 servers complete without declaring it, so the upstream itself is asked
  const declared = known.capability === 'completions' || capabilities?.[known.capability] != null;
  return endpoint.kind === 'server' && capabilities && !declared ? undefined : known.handler;
}
