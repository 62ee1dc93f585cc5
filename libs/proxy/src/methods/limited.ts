import type { Outcome } from '#libs/kernel';
import type { Permit, RateLimits } from '#libs/ratelimit';
import type { Desk, Handler, Request } from './context.js';

/** Handles a request within the limits on its caller. Places among running calls are given back whatever becomes of it. */
export function withinLimits(desk: Desk, request: Request, handler: Handler): Promise<Outcome> | Outcome {
  const asked = desk.limits.begin(request.exchange);
  return asked ? permitted(asked, desk, request, handler) : handler(desk, request);
}

async function permitted(asked: Promise<Permit>, desk: Desk, request: Request, handler: Handler): Promise<Outcome> {
  const permit = await asked;
  const stop = request.exchange.onAbort(() => permit.release());
  try {
    return await handler(desk, { ...request, permit });
  } finally {
    stop();
    permit.release();
  }
}
