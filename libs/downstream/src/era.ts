import type { IncomingMessage } from 'node:http';
import { type Era, GatewayError } from '#libs/kernel';
import { atLeast, isLegacyVersion, LATEST_LEGACY, LEGACY_VERSIONS, type Message, MODERN_META } from '#libs/mcp';

const REVISION = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Which era a message belongs to. The body decides: it is what would be acted upon. The header only counts where the
 * body is silent (M:ver).
 */
export function eraOf(message: Message, versionHeader: string | undefined): Era {
  return carriesModernMark(message) || isModernVersion(versionHeader) ? 'modern' : 'legacy';
}

/** A revision without initialize, whether this gateway speaks it or not. */
export function isModernVersion(version: string | undefined): boolean {
  return (
    version !== undefined && !isLegacyVersion(version) && REVISION.test(version) && atLeast(version, LATEST_LEGACY)
  );
}

/** Of a request whose body is not read only the header tells the era. */
export function eraOfHeaders(request: IncomingMessage): Era {
  return isModernVersion(versionHeader(request)) ? 'modern' : 'legacy';
}

/** The request's MCP-Protocol-Version; several headers arrive joined and are no version at all. */
export function versionHeader(request: IncomingMessage): string | undefined {
  const value = request.headers['mcp-protocol-version'];
  return typeof value === 'string' ? value : value?.join(', ');
}

/** @throws GatewayError UNSUPPORTED_VERSION for a header that names no legacy revision; absent is fine (L:http) */
export function checkLegacyVersion(version: string | undefined): void {
  if (version === undefined || isLegacyVersion(version)) return;
  throw unsupportedVersion('this protocol version');
}

function unsupportedVersion(what: string): GatewayError {
  return new GatewayError(
    'UNSUPPORTED_VERSION',
    `Unsupported: ${what}. This gateway speaks ${LEGACY_VERSIONS.join(', ')}, opened with initialize`,
    { data: { supported: LEGACY_VERSIONS } },
  );
}

function carriesModernMark(message: Message): boolean {
  switch (message.kind) {
    case 'request':
    case 'notification':
      return message.params?.get('_meta')?.has(MODERN_META.protocolVersion) === true;
    case 'batch':
      return message.items.some((item) => !(item instanceof Error) && carriesModernMark(item));
    case 'response':
      return false;
  }
}
