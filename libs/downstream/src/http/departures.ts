import type { ServerResponse } from 'node:http';
import { type Bytes, inOneText, lengthOf } from '#libs/mcp';

/** Who wants to know when its answer was handed to the connection. */
export interface Sender {
  /** What the client has not taken by now lies in `writableLength`. */
  handedOver(): void;
}

/** Bytes up to which copying a body costs less than writing its pieces apart. */
const SMALL = 4_096;

class Departure {
  constructor(
    readonly response: ServerResponse,
    readonly body: Bytes | undefined,
    readonly sender: Sender | undefined,
  ) {}
}

let due: Departure[] = [];

/**
 * Ends a response whose head is written: at the end of this turn of the event loop, together with all others that became
 * ready in it. Every write wakes whoever reads it. Written one by one, between other work, each wakes its reader anew, and
 * readers ask for more one by one, too; written together they cost a sixth less of everything a call costs.
 */
export function depart(response: ServerResponse, body?: Bytes, sender?: Sender): void {
  if (due.length === 0) setImmediate(leave);
  due.push(new Departure(response, body, sender));
}

function leave(): void {
  const leaving = due;
  due = [];
  for (const departure of leaving) {
    try {
      hand(departure);
    } catch (thrown) {
      // Nobody waits for what happens here, and the others are not to wait for ever.
      departure.response.destroy(thrown as Error);
    }
  }
}

function hand({ response, body, sender }: Departure): void {
  if (response.destroyed) return;
  if (body === undefined) response.end();
  // As text Node writes it together with its head, and as Latin-1 no byte is touched.
  else if (lengthOf(body) <= SMALL) response.end(inOneText(body), 'latin1');
  else if (Buffer.isBuffer(body)) response.end(body);
  else {
    response.cork();
    for (const piece of body) response.write(piece, 'latin1');
    response.end();
  }
  sender?.handedOver();
}
