import type { IncomingMessage } from 'node:http';
import { BodyCollector, GatewayError } from '#libs/kernel';

/**
 * Collects a request's body. Over the limit the rest is read and thrown away, so that the client gets to see the
 * answer; the server's requestTimeout bounds that. `kept` is told of whatever more it takes of memory meanwhile.
 * @throws GatewayError BODY_TOO_LARGE, or BODY_INCOMPLETE when the client went away in the middle
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  kept: (bytes: number) => void = () => {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > limit) {
      request.resume();
      reject(tooLarge(limit));
      return;
    }
    const body = new BodyCollector(announced);
    const stop = (outcome: () => void) => {
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      outcome();
    };
    const onData = (chunk: Buffer) => {
      if (body.size + chunk.length <= limit) {
        const before = body.held;
        body.add(chunk);
        kept(body.held - before);
        return;
      }
      stop(() => reject(tooLarge(limit)));
      request.on('error', () => {}).resume();
    };
    const onEnd = () => stop(() => resolve(body.take()));
    const onBroken = () => {
      request.on('error', () => {});
      stop(() => reject(new GatewayError('BODY_INCOMPLETE', 'The connection closed before the body was complete')));
    };
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}

function tooLarge(limit: number): GatewayError {
  return new GatewayError('BODY_TOO_LARGE', `The body is larger than ${limit} bytes (server.limits.body)`, {
    data: { limit, key: 'server.limits.body' },
  });
}
