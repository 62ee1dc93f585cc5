import type { IncomingMessage } from 'node:http';
import { type ClientHop, GatewayError } from '#libs/kernel';
import {
  isModernVersion,
  type JsonView,
  logLevelRank,
  MCP_HEADERS,
  MODERN_META,
  MODERN_VERSIONS,
  modernEnvelope,
  type RequestMessage,
} from '#libs/mcp';
import type { ClientHops } from './client-hops.js';
import { checkMethodHeader, checkNameHeader, mismatch, singleHeader } from './headers.js';
import { checkMethod, checkShape } from './methods.js';

/** A modern request that passed every check the front door makes by itself. */
export interface ModernRequest {
  readonly message: RequestMessage;
  /** As this request declares it; an earlier one says nothing about it (M:base). */
  readonly client: ClientHop;
  readonly logLevel: string | undefined;
  /** JSON of the client's progress token. */
  readonly progressToken: Buffer | undefined;
  /** A retry's answers, and the state it hands back. */
  readonly inputResponses: JsonView | undefined;
  readonly requestState: string | undefined;
}

/** Whether a deviation of this client is put up with. */
export type Tolerates = (
  client: Pick<ClientHop, 'name' | 'clientVersion'>,
  fault: 'version-header-mismatch',
) => boolean;

/** What reading a request takes besides it. */
export interface Reading {
  readonly hops: ClientHops;
  readonly tolerates: Tolerates;
}

/**
 * Reads a modern request and checks it against its headers, in the order the answers have to come (M:http): envelope,
 * version, method, name, shape.
 * @throws GatewayError META_MISSING, HEADER_MISMATCH, UNSUPPORTED_MODERN_VERSION, METHOD_UNKNOWN, INVALID_PARAMS
 */
export function readModern(
  request: IncomingMessage,
  message: RequestMessage,
  { hops, tolerates }: Reading,
): ModernRequest {
  const { params } = message;
  const { version, clientInfo, clientCapabilities, logLevel, progressToken } = modernEnvelope(params);
  const protocolVersion = version?.string();
  if (protocolVersion === undefined) throw metaMissing(MODERN_META.protocolVersion, 'a string', version !== undefined);
  if (clientCapabilities?.type !== 'object') {
    throw metaMissing(MODERN_META.clientCapabilities, 'an object', clientCapabilities !== undefined);
  }
  if (!saysVersion(request, protocolVersion)) checkTolerated(clientInfo, tolerates);
  if (!isModernVersion(protocolVersion)) throw unsupported(protocolVersion);
  checkMethodHeader(request, message);
  checkNameHeader(request, message);
  checkMethod(message.method);
  checkShape(message);
  return {
    message,
    client: hops.read(protocolVersion, clientInfo, clientCapabilities),
    logLevel: checkedLevel(logLevel),
    progressToken: progressTokenOf(progressToken),
    inputResponses: params?.get('inputResponses'),
    requestState: params?.get('requestState')?.string(),
  };
}

/** @throws GatewayError HEADER_MISMATCH where there is no such header */
function saysVersion(request: IncomingMessage, version: string): boolean {
  const header = singleHeader(request, MCP_HEADERS.protocolVersion);
  if (header === version) return true;
  if (header !== undefined) return header.trim() === version;
  throw mismatch(`The header MCP-Protocol-Version is missing; it repeats ${MODERN_META.protocolVersion}`);
}

/** @throws GatewayError HEADER_MISMATCH */
function checkTolerated(clientInfo: JsonView | undefined, tolerates: Tolerates): void {
  const name = clientInfo?.get('name')?.string() ?? '';
  const clientVersion = clientInfo?.get('version')?.string() ?? '';
  if (tolerates({ name, clientVersion }, 'version-header-mismatch')) return;
  throw mismatch(`The header MCP-Protocol-Version differs from ${MODERN_META.protocolVersion} in the body`);
}

function checkedLevel(level: JsonView | undefined): string | undefined {
  const value = level?.string();
  if (level === undefined || logLevelRank(value) >= 0) return value;
  throw new GatewayError('INVALID_PARAMS', `${MODERN_META.logLevel} in params._meta is no log level MCP knows`);
}

function progressTokenOf(token: JsonView | undefined): Buffer | undefined {
  return token && (token.type === 'string' || token.type === 'number') ? token.raw() : undefined;
}

function metaMissing(key: string, type: string, present: boolean): GatewayError {
  const message = present ? `params._meta["${key}"] must be ${type}` : `params._meta["${key}"] is missing (${type})`;
  return new GatewayError('META_MISSING', message, { data: { key } });
}

function unsupported(requested: string): GatewayError {
  return new GatewayError(
    'UNSUPPORTED_MODERN_VERSION',
    `This gateway does not speak the protocol version the request names; it speaks ${MODERN_VERSIONS.join(', ')}`,
    { data: { supported: MODERN_VERSIONS, requested: requested.slice(0, 64) } },
  );
}
