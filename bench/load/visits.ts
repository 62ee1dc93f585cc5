import { EchoCheck, fillerOf, Nonces } from './checks.ts';
import { openSession } from './client-sessions.ts';
import { Line } from './connection.ts';
import { type Door, deleteRequest, postHead, request } from './door.ts';
import { callParts, nextId } from './messages.ts';
import type { Task } from './tasks.ts';
import { expectStatus } from './wrong-reply.ts';

const SIZE = 64;

/**
 * A whole visit on a connection of its own: a legacy client opens a session, calls one tool and ends the session; a
 * modern one just calls. What agents that come for one call cost.
 */
export class VisitTask implements Task {
  readonly #door: Door;
  readonly #callers: number;
  readonly #filler = fillerOf(SIZE);
  readonly #check: EchoCheck;
  readonly #nonces = new Nonces();
  readonly #name: string;
  #caller: number;
  #line: Line | undefined;

  /** @param callers how many different callers come in turn */
  constructor(door: Door, callers: number, slot: number) {
    this.#door = door;
    this.#callers = callers;
    this.#check = new EchoCheck(door.era, this.#filler);
    this.#name = door.toolName(0, 0);
    // The tasks start far apart in the row of callers.
    this.#caller = slot * 31;
  }

  async run(): Promise<void> {
    this.#caller = (this.#caller + 1) % this.#callers;
    this.#line = new Line(this.#door);
    try {
      await this.#visit(this.#line);
    } finally {
      this.#line.close();
    }
  }

  async #visit(line: Line): Promise<void> {
    const door = this.#door;
    const session = await openSession(line, door, this.#caller);
    const id = nextId();
    const nonce = this.#nonces.next();
    const { before, between, behind } = callParts(door.era, this.#name);
    const head = postHead(door, { ...session, method: 'tools/call', name: this.#name });
    const body = before + id + between + nonce + this.#filler + behind;
    this.#check.verify(await line.exchange(request(head, body)), id, nonce);
    if (session.session === undefined) return;
    expectStatus(await line.exchange(deleteRequest(door, { ...session, method: 'DELETE' })), 200, 202, 204);
  }

  close(): void {
    this.#line?.close();
  }
}
