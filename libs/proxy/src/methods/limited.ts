import type { Outcome } from '#libs/kernel';
import type { Permit } from '#libs/ratelimit';
import type { Desk, Handler, Request } from './context.js';

/** Handles a request within the limits on its caller. Places among running calls are given back whatever becomes of it. */
export function withinLimits(desk: Desk, request: Request, handler: Handler): Promise<Outcome> | Outcome {
  const permit = desk.limits.begin(request.exchange);
  if (!permit) return handler(desk, request);
  return permit instanceof Promise
    ? permit.then((it) => permitted(it, desk, request, handler))
    : permitted(permit, desk, request, handler);
}

function permitted(permit: Permit, desk: Desk, request: Request, handler: Handler): Promise<Outcome> | Outcome {
  request.permit = permit;
  return permit.holdsPlaces ? released(permit, desk, request, handler) : handler(desk, request);
}

async function released(permit: Permit, desk: Desk, request: Request, handler: Handler): Promise<Outcome> {
  const stop = request.exchange.onAbort(() => permit.release());
  try {
    return await handler(desk, request);
  } finally {
    stop();
    permit.release();
  }
}
