import { canonicalName } from '#libs/kernel';
import { promptOf, toolOf } from './call.js';
import type { Desk, Request } from './context.js';
import { resourceOf } from './resources.js';

/**
 * Canonical name of what a request is about, when the caller may use it today; the method alone when it is about nothing in
 * particular.
 * @throws GatewayError UNKNOWN_*, INSUFFICIENT_SCOPE
 */
export function targetOf(desk: Desk, request: Request): string {
  const { method } = request.message;
  switch (method) {
    case 'tools/call':
      return canonicalName(toolOf(desk, request).ref);
    case 'prompts/get':
      return canonicalName(promptOf(desk, request).ref);
    case 'resources/read':
      return canonicalName(resourceOf(desk, request).ref);
    default:
      return method;
  }
}
