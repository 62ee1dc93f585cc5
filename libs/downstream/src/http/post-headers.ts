import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '#libs/kernel';

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

/** @throws GatewayError UNSUPPORTED_MEDIA_TYPE unless the body is declared as plain, unpacked JSON in UTF-8 */
export function checkContentType(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'] ?? '';
  if (type !== 'application/json' && !JSON_TYPE.test(type)) {
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
  /** The client prefers it, by weight or by naming it first: it gets a stream even for a single message. */
  readonly streamFirst: boolean;
}

/** What the client reads. No Accept header means anything, which is answered with JSON. */
export function acceptedTypes(accept: string | undefined): Accepted {
  if (accept === undefined || accept.trim() === '') return { json: true, stream: false, streamFirst: false };
  let json = 0;
  let stream = 0;
  let streamFirst = false;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = weightOf(parameters);
    if (type === 'text/event-stream') {
      streamFirst = weight > json;
      stream = weight;
    } else if (type === 'application/json' || type === 'application/*' || type === '*/*') {
      if (weight > stream) streamFirst = false;
      json = Math.max(json, weight);
    }
  }
  return { json: json > 0, stream: stream > 0, streamFirst: streamFirst && json > 0 };
}

/** RFC 9110, 12.4.2; a weight that cannot be read counts as none given. */
function weightOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => /^q\s*=/.test(parameter));
  const weight = given === undefined ? 1 : Number(given.slice(given.indexOf('=') + 1));
  return Number.isNaN(weight) ? 1 : weight;
}

/** What the few spellings clients use mean. Strangers can fill it, so it begins anew when it is full. */
const known = new Map<string, Accepted>();
const MAX_KNOWN = 100;

/** @throws GatewayError NOT_ACCEPTABLE */
export function acceptedForPost(accept: string | undefined): Accepted {
  const accepted = known.get(accept ?? '') ?? remembered(accept ?? '');
  if (accepted.json || accepted.stream) return accepted;
  throw new GatewayError('NOT_ACCEPTABLE', 'Accept must list application/json and text/event-stream');
}

function remembered(accept: string): Accepted {
  const accepted = acceptedTypes(accept);
  if (accept.length > 200) return accepted;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(accept, accepted);
  return accepted;
}

/** @throws GatewayError NOT_ACCEPTABLE */
export function checkAcceptForGet(accept: string | undefined): void {
  if (acceptedTypes(accept).stream) return;
  throw new GatewayError(
    'NOT_ACCEPTABLE',
    'A GET here opens an event stream and needs Accept: text/event-stream; MCP messages are sent with POST',
  );
}
