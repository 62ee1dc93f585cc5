import { Line } from './connection.ts';
import { type Door, type HeadOptions, postHead, request } from './door.ts';
import { INITIALIZED_BODY, initializeBody, nextId } from './messages.ts';
import { readResult } from './reply.ts';
import { headerOf } from './response.ts';
import { expectStatus } from './wrong-reply.ts';

/** One caller's session; for a modern client just the caller. */
export interface ClientSession extends Pick<HeadOptions, 'token' | 'session'> {
  /** Number of the caller: which token, and so which view. */
  readonly caller: number;
}

const AT_ONCE = 8;

/**
 * Opens sessions for callers 0, 1, 2, … as clients do.
 * @throws WrongReply, Error
 */
export async function openSessions(door: Door, count: number): Promise<ClientSession[]> {
  const sessions: ClientSession[] = new Array(count);
  let next = 0;
  const work = async () => {
    const line = new Line(door);
    try {
      for (let caller = next++; caller < count; caller = next++) {
        sessions[caller] = await openSession(line, door, caller);
      }
    } finally {
      line.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
  return sessions;
}

/** @throws WrongReply, Error */
export async function openSession(line: Line, door: Door, caller: number): Promise<ClientSession> {
  const token = door.token(caller);
  if (door.era === 'modern') return { caller, token };
  const id = nextId();
  const answer = await line.exchange(request(postHead(door, { method: 'initialize', token }), initializeBody(id)));
  readResult(answer, id);
  const session = headerOf(answer, 'mcp-session-id');
  const head = postHead(door, { method: 'notifications/initialized', token, session });
  expectStatus(await line.exchange(request(head, INITIALIZED_BODY)), 202);
  return { caller, token, session };
}
