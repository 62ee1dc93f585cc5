import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { EchoCheck, fillerOf, Nonces } from './checks.ts';
import { type ClientSession, openSession } from './client-sessions.ts';
import { Line } from './connection.ts';
import { type Door, deleteRequest, headerObject, postHead, request } from './door.ts';
import { callParts, nextId, requestBody } from './messages.ts';
import { readResult } from './reply.ts';
import { expectStatus } from './wrong-reply.ts';

const AT_ONCE = 8;

interface Member {
  readonly session: ClientSession;
  readonly stream: { readonly request: ClientRequest; open: boolean } | undefined;
}

/** Many legacy clients that have each called once, set a log level and, if wanted, opened a stream; then they wait. */
export class Crowd {
  readonly #door: Door;
  readonly #members: Member[] = [];
  readonly #filler = fillerOf(64);
  readonly #nonces = new Nonces();

  constructor(door: Door) {
    this.#door = door;
  }

  /** @throws WrongReply, Error */
  async gather(count: number, options: { streams: boolean }): Promise<void> {
    const first = this.#members.length;
    await this.#eachOf(count, async (line, index) => {
      const session = await openSession(line, this.#door, first + index);
      await this.#call(line, session);
      await this.#ask(line, session, 'logging/setLevel', { level: 'warning' });
      const stream = options.streams ? await this.#openStream(session) : undefined;
      this.#members.push({ session, stream });
    });
  }

  /** Every session still answers, and every stream still stands. @throws WrongReply, Error */
  async check(): Promise<void> {
    const broken = this.#members.filter(({ stream }) => stream?.open === false).length;
    if (broken > 0) throw new Error(`${broken} of ${this.#members.length} streams have ended`);
    await this.#eachOf(this.#members.length, (line, index) =>
      this.#ask(line, (this.#members[index] as Member).session, 'ping'),
    );
  }

  /** Ends streams and sessions as clients do. @throws WrongReply, Error */
  async leave(): Promise<void> {
    this.disperse();
    await this.#eachOf(this.#members.length, async (line, index) => {
      const { session } = this.#members[index] as Member;
      if (session.session === undefined) return;
      const answer = await line.exchange(deleteRequest(this.#door, { ...session, method: 'DELETE' }));
      expectStatus(answer, 200, 202, 204);
    });
    this.#members.length = 0;
  }

  /** Closes the streams and nothing else. */
  disperse(): void {
    for (const { stream } of this.#members) stream?.request.destroy();
  }

  async #eachOf(count: number, visit: (line: Line, index: number) => Promise<void>): Promise<void> {
    let next = 0;
    const work = async () => {
      const line = new Line(this.#door);
      try {
        for (let index = next++; index < count; index = next++) await visit(line, index);
      } finally {
        line.close();
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
  }

  async #call(line: Line, session: ClientSession): Promise<void> {
    const [id, nonce, name] = [nextId(), this.#nonces.next(), this.#door.toolName(0, 0)];
    const { before, between, behind } = callParts(this.#door.era, name);
    const head = postHead(this.#door, { ...session, method: 'tools/call', name });
    const reply = await line.exchange(request(head, before + id + between + nonce + this.#filler + behind));
    new EchoCheck(this.#door.era, this.#filler).verify(reply, id, nonce);
  }

  async #ask(line: Line, session: ClientSession, method: string, params?: Record<string, unknown>) {
    const id = nextId();
    const head = postHead(this.#door, { ...session, method });
    readResult(await line.exchange(request(head, requestBody(this.#door.era, id, method, params))), id);
  }

  async #openStream(session: ClientSession): Promise<Member['stream']> {
    const { host, port, path } = this.#door;
    const headers = { ...headerObject(this.#door, { ...session, method: 'GET' }), accept: 'text/event-stream' };
    const outgoing = httpRequest({ host, port, path, headers, agent: false });
    const stream = { request: outgoing, open: true };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
      outgoing.end();
    });
    if (response.statusCode !== 200) throw new Error(`GET was answered ${response.statusCode}`);
    const ended = () => {
      stream.open = false;
    };
    outgoing.on('error', ended);
    response.on('error', ended).on('close', ended).resume();
    return stream;
  }
}
