import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { sendEmpty } from './answers.js';
import type { HostPolicy } from './host-policy.js';

/** What a page may read of our answers. No `DPoP-Nonce` among them while proofs of possession are not served. */
const EXPOSED_HEADERS = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After, X-Request-Id';

const ALLOWED_METHODS = 'GET, POST, DELETE';
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID, ' +
  'X-Request-Id, Traceparent, Tracestate, Baggage';
/** RFC 9110, 5.6.2: whatever a tool may call them. */
const PARAMETER_HEADER = /^mcp-param-[!#$%&'*+\-.^_`|~0-9a-z]{1,100}$/i;

/**
 * Marks an answer as readable by the page that asked, when it is one of those configured. Credentials of browsers
 * (cookies) are never allowed for: callers are known by what they send themselves.
 */
export function shareWith(origin: string, response: ServerResponse, hosts: HostPolicy): void {
  response.setHeader('vary', 'Origin');
  if (!hosts.sharesWith(origin)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
}

/** Answers OPTIONS. The guard has already let the origin in and marked the response if pages of it may read it. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  const headers: OutgoingHttpHeaders = { allow: `${ALLOWED_METHODS}, OPTIONS` };
  if (response.hasHeader('access-control-allow-origin')) {
    headers['access-control-allow-methods'] = ALLOWED_METHODS;
    headers['access-control-allow-headers'] = [ALLOWED_HEADERS, ...parameterHeaders(request)].join(', ');
    headers['access-control-max-age'] = '600';
  }
  sendEmpty(response, 204, headers);
}

/** Tool parameters may travel in headers named after them; those cannot be listed beforehand. */
function parameterHeaders(request: IncomingMessage): string[] {
  const asked = request.headers['access-control-request-headers'] ?? '';
  return asked
    .split(',')
    .map((name) => name.trim())
    .filter((name) => PARAMETER_HEADER.test(name));
}
