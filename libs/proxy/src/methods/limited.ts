import type { Outcome } from '#libs/kernel';
import type { Permit, RateLimits } from '#libs/ratelimit';
import type { Request } from './context.js';

/** Does the work within the limits on its caller. Places among running calls are given back whatever becomes of it. */
export function withinLimits(
  limits: RateLimits,
  request: Request,
  work: (request: Request) => Promise<Outcome> | Outcome,
): Promise<Outcome> | Outcome {
  const asked = limits.begin(request.exchange);
  return asked ? permitted(asked, request, work) : work(request);
}

async function permitted(
  asked: Promise<Permit>,
  request: Request,
  work: (request: Request) => Promise<Outcome> | Outcome,
): Promise<Outcome> {
  const permit = await asked;
  const stop = request.exchange.onAbort(() => permit.release());
  try {
    return await work({ ...request, permit });
  } finally {
    stop();
    permit.release();
  }
}
