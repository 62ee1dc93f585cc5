import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Drain } from '#libs/downstream';
import type { GatewayStatus } from '#libs/proxy';

/** How often idle connections are closed while the server ends: a keep-alive client would hold it open for a minute. */
const SWEEP = 100;
/** What requests that were aborted get to write their last answer. */
const LAST_WORDS = 1_000;
/** What connections get to close by themselves before they are cut. */
const PATIENCE = 3_000;

/**
 * Not ready -> (pause) -> no streams -> running requests finish or are told -> upstreams and children end -> sockets
 * close. Upstreams outlive the requests that use them.
 */
export async function closeGateway(
  app: NestFastifyApplication,
  { status, drain }: { status: GatewayStatus; drain: Drain },
  { pause, timeout }: { pause: number; timeout: number },
): Promise<void> {
  status.markDraining();
  if (pause > 0) await wait(pause);
  drain.endAll();
  if (!(await drain.idle(timeout))) {
    drain.abortAll();
    await drain.idle(LAST_WORDS);
  }
  const server: Server = app.getHttpServer();
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP);
  const cut = setTimeout(() => server.closeAllConnections(), PATIENCE);
  try {
    server.closeIdleConnections();
    await app.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
