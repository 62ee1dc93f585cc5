import type { IncomingMessage } from 'node:http';
import { BodyCollector, GatewayError } from '#libs/kernel';

/** Is told what lies in memory, in bytes: more than before, or less. */
export interface Tally {
  add(bytes: number): void;
}

/**
 * Collects a request's body, and calls `done` once: with it, with BODY_TOO_LARGE, or with BODY_INCOMPLETE when the client
 * went away in the middle. Over the limit the rest is read and thrown away, so that the client gets to see the answer; the
 * server's requestTimeout bounds that. Nothing is counted any more when `done` is called.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  tally: Tally,
  done: (body: Buffer | GatewayError) => void,
): void {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) {
    request.resume();
    done(tooLarge(limit));
    return;
  }
  // A client that left while it was being authenticated will not say so again.
  if (request.destroyed) {
    done(incomplete());
    return;
  }
  let body: BodyCollector | undefined = new BodyCollector(announced);
  const finish = (collected: BodyCollector, outcome: Buffer | GatewayError) => {
    body = undefined;
    tally.add(-collected.held);
    done(outcome);
  };
  // They stay as long as the request does: taking them away costs as much as adding them. Without a listener to errors a
  // request that breaks off has none, and closes.
  request.on('data', (chunk: Buffer) => {
    if (!body) return;
    if (body.size + chunk.length > limit) {
      finish(body, tooLarge(limit));
      return;
    }
    const before = body.held;
    body.add(chunk);
    tally.add(body.held - before);
  });
  request.on('end', () => {
    if (body) finish(body, body.take());
  });
  request.on('close', () => {
    if (body) finish(body, incomplete());
  });
}

function incomplete(): GatewayError {
  return new GatewayError('BODY_INCOMPLETE', 'The connection closed before the body was complete');
}

function tooLarge(limit: number): GatewayError {
  return new GatewayError('BODY_TOO_LARGE', `The body is larger than ${limit} bytes (server.limits.body)`, {
    data: { limit, key: 'server.limits.body' },
  });
}
