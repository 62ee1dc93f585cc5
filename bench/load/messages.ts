import { type Era, LEGACY_VERSION, MODERN_VERSION } from '../targets/shape.ts';

const CLIENT = { name: 'bench', version: '1.0.0' };

const MODERN_META = JSON.stringify({
  'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
  'io.modelcontextprotocol/clientInfo': CLIENT,
  'io.modelcontextprotocol/clientCapabilities': {},
});

/** Ids are unique in this process and all of one length, so that a reply meant for another call cannot look right. */
let lastId = 1_000_000_000;
export const ID_LENGTH = 10;

export function nextId(): number {
  return ++lastId;
}

export function initializeBody(id: number): string {
  const params = { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo: CLIENT };
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params });
}

export const INITIALIZED_BODY = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });

export function requestBody(era: Era, id: number, method: string, params: Record<string, unknown> = {}): string {
  const meta = era === 'modern' ? { _meta: JSON.parse(MODERN_META) as object } : {};
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, ...meta } });
}

/** A call's body in three parts: what stands before the id, between id and text, and behind the text. */
export function callParts(era: Era, name: string): { before: string; between: string; behind: string } {
  return {
    before: '{"jsonrpc":"2.0","id":',
    between: `,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":{"text":"`,
    behind: era === 'modern' ? `"},"_meta":${MODERN_META}}}` : '"}}}',
  };
}
