import type { IncomingMessage } from 'node:http';
import type { Credentials } from '#libs/plugin';

/** What a request shows of its sender before its body is read. */
export function credentialsOf(request: IncomingMessage): Credentials {
  return {
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    remoteAddress: request.socket.remoteAddress ?? '',
    url: request.url ?? '',
  };
}
