import { LEGACY_VERSION, MODERN_VERSION, type Shape } from './shape.ts';
import { toolDefinition } from './tools.mjs';

const SERVER = { name: 'bench-upstream', version: '1.0.0' };
const CAPABILITIES = { tools: {}, logging: {} };
const lists = new Map<string, Buffer>();

/** Results as parts of JSON, so that a megabyte is copied once. */
export type Result = readonly Buffer[];

export function initializeResult(): Result {
  return [json({ protocolVersion: LEGACY_VERSION, capabilities: CAPABILITIES, serverInfo: SERVER })];
}

export function discoverResult(): Result {
  return [
    json({
      resultType: 'complete',
      supportedVersions: [MODERN_VERSION],
      capabilities: { tools: {} },
      _meta: { 'io.modelcontextprotocol/serverInfo': SERVER },
      ttlMs: 3_600_000,
      cacheScope: 'public',
    }),
  ];
}

export function listResult({ era, tools: count }: Shape): Result {
  const key = `${era} ${count}`;
  const known = lists.get(key);
  if (known) return [known];
  const tools = Array.from({ length: count }, (_, index) => toolDefinition(index));
  const made = json(
    era === 'modern' ? { resultType: 'complete', tools, ttlMs: 3_600_000, cacheScope: 'public' } : { tools },
  );
  lists.set(key, made);
  return [made];
}

export function emptyResult({ era }: Shape): Result {
  return [json(era === 'modern' ? { resultType: 'complete' } : {})];
}

/** @param text JSON of the text, quotes included */
export function echoResult({ era }: Shape, text: Buffer): Result {
  return [ECHO, text, era === 'modern' ? MODERN_END : LEGACY_END];
}

const ECHO = Buffer.from('{"content":[{"type":"text","text":');
const LEGACY_END = Buffer.from('}]}');
const MODERN_END = Buffer.from('}],"resultType":"complete"}');

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
