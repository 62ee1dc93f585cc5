import type { IncomingMessage } from 'node:http';

/** A request's path without authority and query, short, and without anything a terminal or a page would act on. */
export function pathOf(request: IncomingMessage): string {
  const path = (request.url ?? '').replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1)[0] ?? '';
  return path.slice(0, 200).replace(/[^\x21-\x7e]|[<>"'&]/g, '?');
}
