import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Drain } from '#libs/downstream';
import type { GatewayStatus } from '#libs/proxy';

/**
 * A connection without a byte for so long is closed. Behind a balancer a client may be slow to use again the connection
 * its last answer came on; without one, somebody waits for the process to end.
 */
const QUIET = { behindBalancer: 1_000, alone: 250 };
/** What requests that were aborted get to write their last answer. */
const LAST_WORDS = 1_000;
/** What connections get to close by themselves before they are cut. */
const PATIENCE = 3_000;

/**
 * Not ready -> (pause) -> no streams, no new work -> running requests finish or are told -> connections close ->
 * upstreams and children end. Upstreams outlive the requests that use them.
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
  const finished = await drain.idle({ within: timeout, quiet });
  drain.abortAll();
  if (!finished) await drain.idle({ within: LAST_WORDS, quiet });
  const server: Server = app.getHttpServer();
  const cut = setTimeout(() => server.closeAllConnections(), PATIENCE);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}
