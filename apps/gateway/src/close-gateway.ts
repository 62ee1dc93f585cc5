import { setTimeout as wait } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Drain } from '#libs/downstream';
import type { GatewayStatus } from '#libs/proxy';

/**
 * A connection without a byte for so long is closed. A client may be slow to use again the connection its last answer came
 * on, and behind a balancer nobody minds the wait; without one, somebody waits for the process to end.
 */
const QUIET = { behindBalancer: 2_000, alone: 250 };
/**
 * What the last requests get: an aborted one that was answered with a stream leaves a connection its client may have used
 * again before it heard that it closes.
 */
const LAST_REQUESTS = 5_000;
/** What these get, once they are aborted, to write their answers. */
const LAST_WORDS = 1_000;
/** What connections get to close by themselves before they are cut. */
const PATIENCE = 3_000;

/**
 * Not ready -> (pause) -> no streams, no new work -> running requests finish or are told -> upstreams are told, sessions
 * and children end -> connections close. Upstreams outlive the requests that use them.
 */
export async function closeGateway(
  app: NestFastifyApplication,
  { status, drain }: { status: GatewayStatus; drain: Drain },
  { pause, timeout }: { pause: number; timeout: number },
): Promise<void> {
  status.markDraining();
  drain.announce();
  if (pause > 0) await wait(pause);
  drain.endAll();
  const quiet = pause > 0 ? QUIET.behindBalancer : QUIET.alone;
  for (const within of [timeout, LAST_REQUESTS, LAST_WORDS]) {
    const finished = await drain.idle({ within, quiet });
    drain.abortAll();
    if (finished) break;
  }
  drain.refuseAll();
  const cut = setTimeout(() => drain.cut(), PATIENCE);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}
