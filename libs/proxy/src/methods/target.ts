import { canonicalName, type ObjectRef } from '#libs/kernel';
import type { Draft } from '#libs/mcp';
import { namedParams, promptOf, toolOf } from './call.js';
import type { Desk, Request } from './context.js';
import { readParams, resourceOf } from './resources.js';

/** What a request is about, when the caller may use it today, and its params as they would go to the upstream. */
export interface Subject {
  readonly ref: ObjectRef;
  params(): Draft;
}

/**
 * Undefined when a request is about nothing in particular.
 * @throws GatewayError UNKNOWN_*, INSUFFICIENT_SCOPE
 */
export function subjectOf(desk: Desk, request: Request): Subject | undefined {
  switch (request.message.method) {
    case 'tools/call':
      return named(request, toolOf(desk, request).ref);
    case 'prompts/get':
      return named(request, promptOf(desk, request).ref);
    case 'resources/read': {
      const { ref } = resourceOf(desk, request);
      return { ref, params: () => readParams(request, ref.name) };
    }
    default:
      return undefined;
  }
}

/** Canonical name of what a request is about; the method alone when it is about nothing in particular. */
export function targetOf(desk: Desk, request: Request): string {
  const subject = subjectOf(desk, request);
  return subject ? canonicalName(subject.ref) : request.message.method;
}

function named(request: Request, ref: ObjectRef): Subject {
  return { ref, params: () => namedParams(request, ref) };
}
