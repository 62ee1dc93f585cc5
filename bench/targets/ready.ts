import { Line } from '../load/connection.ts';
import { type Door, postHead, request } from '../load/door.ts';
import { nextId, requestBody } from '../load/messages.ts';
import { readResult } from '../load/reply.ts';
import { expectStatus } from '../load/wrong-reply.ts';
import { until } from '../machine/wait.ts';

/** Longest a gateway may take to know all its upstreams: a hundred of them start four at a time. */
const PATIENCE = 120_000;

/**
 * Waits until the first caller, whose view hides nothing, is shown so many tools. Asks as a modern client does, in one
 * request.
 */
export async function untilListed(door: Door, count: number): Promise<void> {
  const modern = { ...door, era: 'modern' as const };
  const line = new Line(door);
  try {
    await until(
      `${count} tools at ${door.host}:${door.port}`,
      PATIENCE,
      async () => ((await countTools(line, modern)) === count ? true : undefined),
      50,
    );
  } finally {
    line.close();
  }
}

/** That authentication is on shows in what it refuses. @throws WrongReply when a caller without a token is let in */
export async function refusesStrangers(door: Door): Promise<void> {
  const stranger = { ...door, era: 'modern' as const };
  const line = new Line(door);
  try {
    const head = postHead(stranger, { method: 'tools/list' });
    expectStatus(await line.exchange(request(head, requestBody('modern', nextId(), 'tools/list'))), 401);
  } finally {
    line.close();
  }
}

async function countTools(line: Line, door: Door): Promise<number> {
  let [count, cursor] = [0, undefined as string | undefined];
  do {
    const id = nextId();
    const head = postHead(door, { method: 'tools/list', token: door.token(0) });
    const body = requestBody(door.era, id, 'tools/list', cursor === undefined ? {} : { cursor });
    const { tools, nextCursor } = readResult(await line.exchange(request(head, body)), id);
    count += Array.isArray(tools) ? tools.length : 0;
    cursor = typeof nextCursor === 'string' ? nextCursor : undefined;
  } while (cursor !== undefined);
  return count;
}
