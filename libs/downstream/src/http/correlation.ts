import type { IncomingMessage, ServerResponse } from 'node:http';
import { correlationId } from '#libs/kernel';

const ids = new WeakMap<IncomingMessage, string>();

/** The correlation id of a request, the same however often it is asked for; goes into the response's X-Request-Id. */
export function correlate(request: IncomingMessage, response: ServerResponse): string {
  let id = ids.get(request);
  if (id === undefined) {
    id = correlationId(single(request.headers['x-request-id']), single(request.headers['traceparent']));
    ids.set(request, id);
    if (!response.headersSent) response.setHeader('x-request-id', id);
  }
  return id;
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
