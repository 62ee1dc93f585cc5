import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '#libs/kernel';

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

/** @throws GatewayError UNSUPPORTED_MEDIA_TYPE unless the body is declared as plain, unpacked JSON in UTF-8 */
export function checkContentType(headers: IncomingHttpHeaders): void {
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json (charset utf-8)');
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding is not supported; send the JSON as it is');
  }
}

export interface Accepted {
  readonly json: boolean;
  /** Only when the client names it: `*\/*` comes from tools that cannot read a stream. */
  readonly stream: boolean;
}

/** What the client reads. No Accept header means anything, which is answered with JSON. */
export function acceptedTypes(accept: string | undefined): Accepted {
  if (accept === undefined || accept.trim() === '') return { json: true, stream: false };
  let json = false;
  let stream = false;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter))) continue;
    if (type === 'text/event-stream') stream = true;
    else if (type === 'application/json' || type === 'application/*' || type === '*/*') json = true;
  }
  return { json, stream };
}

/** @throws GatewayError NOT_ACCEPTABLE */
export function acceptedForPost(accept: string | undefined): Accepted {
  const accepted = acceptedTypes(accept);
  if (accepted.json || accepted.stream) return accepted;
  throw new GatewayError('NOT_ACCEPTABLE', 'Accept must list application/json and text/event-stream');
}

/** @throws GatewayError NOT_ACCEPTABLE */
export function checkAcceptForGet(accept: string | undefined): void {
  if (acceptedTypes(accept).stream) return;
  throw new GatewayError(
    'NOT_ACCEPTABLE',
    'A GET here opens an event stream and needs Accept: text/event-stream; MCP messages are sent with POST',
  );
}
