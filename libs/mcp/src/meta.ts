/** `_meta` keys of the modern envelope: they belong to one hop and never cross (M:base). */
export const HOP_META_KEYS = [
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/clientCapabilities',
  'io.modelcontextprotocol/logLevel',
  'io.modelcontextprotocol/subscriptionId',
  'io.modelcontextprotocol/serverInfo',
  'io.modelcontextprotocol/related-task',
  'io.modelcontextprotocol/model-immediate-response',
  'progressToken',
] as const;

/** The gateway's own `_meta` prefix (reverse DNS; its second label is not `mcp`, which is reserved). */
export const VENDOR_META_PREFIX = 'dev.mcp-gateway/';
export const REQUEST_ID_META_KEY = `${VENDOR_META_PREFIX}request-id`;

/** syslog severities of MCP log messages, least severe first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

export function logLevelRank(level: unknown): number {
  return (LOG_LEVELS as readonly unknown[]).indexOf(level);
}
