import { EchoCheck, fillerOf, ListCheck, NONCE_LENGTH, Nonces } from './checks.ts';
import type { ClientSession } from './client-sessions.ts';
import { Line } from './connection.ts';
import { type Door, postHead, request } from './door.ts';
import { callParts, ID_LENGTH, nextId, requestBody } from './messages.ts';

/** What one client does again and again. */
export interface Task {
  /** Once; resolves when the reply has been checked. @throws WrongReply, Error */
  run(): Promise<void>;
  close(): void;
}

export interface CallPlan {
  /** Bytes of the text that is sent and comes back. */
  readonly size: number;
  /** Tools to call in turn: number of the upstream, number of the tool. */
  readonly tools: readonly (readonly [upstream: number, tool: number])[];
  /** Prefer streams. */
  readonly stream?: boolean;
}

/** Above this size the text is not made into one string with the rest. */
const LARGE = 16 * 1024;

/** A step through sessions and tools that shares no divisor with the usual counts, so that each connection comes by all. */
const STEP = 7919;

/** Calls of tools, ready but for id and nonce, each in the next session and of the next tool. */
export class Calls {
  readonly door: Door;
  readonly filler: string;
  readonly before: string;
  readonly behind: string;
  readonly prepared: readonly { head: string; between: string }[];

  constructor(door: Door, sessions: readonly ClientSession[], { size, tools, stream = false }: CallPlan) {
    this.door = door;
    this.filler = fillerOf(size);
    const { before, behind } = callParts(door.era, '');
    this.before = before;
    this.behind = behind;
    this.prepared = Array.from({ length: Math.max(sessions.length, tools.length) }, (_, index) => {
      const [upstream, tool] = tools[index % tools.length] ?? [0, 0];
      const name = door.toolName(upstream, tool);
      const { between } = callParts(door.era, name);
      const length = before.length + ID_LENGTH + between.length + NONCE_LENGTH + this.filler.length + behind.length;
      const head = postHead(door, { ...sessions[index % sessions.length], method: 'tools/call', name, stream });
      return { head: `${head}${length}\r\n\r\n`, between };
    });
  }

  task(slot: number): Task {
    return new CallTask(this, slot);
  }
}

class CallTask implements Task {
  readonly #line: Line;
  readonly #calls: Calls;
  readonly #check: EchoCheck;
  readonly #nonces = new Nonces();
  readonly #filler: string | Buffer;
  #turn: number;

  constructor(calls: Calls, slot: number) {
    const { door, filler } = calls;
    this.#line = new Line(door);
    this.#calls = calls;
    this.#check = new EchoCheck(door.era, filler);
    this.#filler = filler.length > LARGE ? Buffer.from(filler) : filler;
    this.#turn = slot;
  }

  async run(): Promise<void> {
    const { prepared, before, behind } = this.#calls;
    this.#turn = (this.#turn + STEP) % prepared.length;
    const { head, between } = prepared[this.#turn] ?? { head: '', between: '' };
    const id = nextId();
    const nonce = this.#nonces.next();
    const begin = head + before + id + between + nonce;
    const filler = this.#filler;
    const response = await this.#line.exchange(
      typeof filler === 'string' ? begin + filler + behind : [begin, filler, behind],
    );
    this.#check.verify(response, id, nonce);
  }

  close(): void {
    this.#line.close();
  }
}

export interface ListPlan {
  /** Which view a caller has. */
  viewOf(caller: number): number;
  /** What a view has to show. */
  expected(view: number): readonly object[];
}

/** Requests for lists of tools, each for the next caller. */
export class Lists {
  readonly door: Door;
  readonly check = new ListCheck();
  readonly plan: ListPlan;
  readonly callers: readonly { head: string; view: number }[];

  constructor(door: Door, sessions: readonly ClientSession[], plan: ListPlan) {
    this.door = door;
    this.plan = plan;
    this.callers = sessions.map((session) => {
      const view = plan.viewOf(session.caller);
      return { head: postHead(door, { ...session, method: 'tools/list', view }), view };
    });
  }

  task(slot: number): Task {
    return new ListTask(this, slot);
  }
}

class ListTask implements Task {
  readonly #line: Line;
  readonly #lists: Lists;
  #turn: number;

  constructor(lists: Lists, slot: number) {
    this.#line = new Line(lists.door);
    this.#lists = lists;
    this.#turn = slot;
  }

  async run(): Promise<void> {
    const { callers, check, door, plan } = this.#lists;
    this.#turn = (this.#turn + STEP) % callers.length;
    const { head, view } = callers[this.#turn] ?? { head: '', view: 0 };
    const id = nextId();
    const response = await this.#line.exchange(request(head, requestBody(door.era, id, 'tools/list')));
    check.verify(response, id, String(view), () => plan.expected(view));
  }

  close(): void {
    this.#line.close();
  }
}
