import type { IncomingMessage } from 'node:http';
import { GatewayError } from '#libs/kernel';
import {
  checkParamHeaders,
  decodeHeaderValue,
  MCP_HEADERS,
  namedMember,
  PARAM_HEADER_PREFIX,
  type ParamHeaders,
  type RequestMessage,
} from '#libs/mcp';

/**
 * One of the headers that repeat the body (M:http). Node joins several of a name with a comma, which may look like one
 * value, so what has a comma is counted.
 * @throws GatewayError HEADER_MISMATCH when it was sent more than once
 */
export function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && (!value.includes(',') || request.headersDistinct[name]?.length === 1)) return value;
  throw mismatch(`The header ${name} was sent more than once`);
}

/** @throws GatewayError HEADER_MISMATCH unless `Mcp-Method` is the body's method */
export function checkMethodHeader(request: IncomingMessage, { method }: RequestMessage): void {
  const header = singleHeader(request, MCP_HEADERS.method);
  if (header === undefined) throw mismatch('The header Mcp-Method is missing; it repeats the method of the body');
  if (header !== method && header.trim() !== method)
    throw mismatch('The header Mcp-Method differs from the method of the body');
}

/** @throws GatewayError HEADER_MISMATCH unless `Mcp-Name` is the name or URI the body is about */
export function checkNameHeader(request: IncomingMessage, { method, params }: RequestMessage): void {
  const member = namedMember(method);
  if (member === undefined) return;
  const header = singleHeader(request, MCP_HEADERS.name);
  if (header === undefined) throw mismatch(`The header Mcp-Name is missing; it repeats params.${member}`);
  const value = decodeHeaderValue(header);
  if (value === undefined) throw mismatch('The header Mcp-Name is not encoded as it should be');
  const own = params?.get(member);
  // What is no string at all is wrong in the body, and said there.
  if (own?.type === 'string' && !own.equals(value)) throw mismatch(`The header Mcp-Name differs from params.${member}`);
}

/** @throws GatewayError HEADER_MISMATCH unless the `Mcp-Param-*` headers a tool declares agree with the arguments */
export function checkParams(request: IncomingMessage, { params }: RequestMessage, declared: ParamHeaders): void {
  if (declared.size === 0) return;
  const sent: Record<string, string | string[] | undefined> = {};
  for (const key of declared.keys()) {
    const name = PARAM_HEADER_PREFIX + key;
    sent[name] = singleHeader(request, name);
  }
  const fault = checkParamHeaders(params?.get('arguments'), declared, sent);
  if (fault !== undefined) throw mismatch(fault);
}

export function mismatch(message: string): GatewayError {
  return new GatewayError('HEADER_MISMATCH', message);
}
