import type { IncomingMessage } from 'node:http';
import { correlationId } from '#libs/kernel';

/** On the request itself: a WeakMap of requests is work for every collection. */
const ID = Symbol('correlation id');

type Correlated = IncomingMessage & { [ID]?: string };

/** The correlation id of a request, the same however often it is asked for; goes into the response's X-Request-Id. */
export function correlationOf(request: Correlated): string {
  let id = request[ID];
  if (id === undefined) {
    const { headers } = request;
    id = correlationId(single(headers['x-request-id']), single(headers['traceparent']));
    request[ID] = id;
  }
  return id;
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
