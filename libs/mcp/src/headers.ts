/** HTTP headers of MCP, in the lower case Node gives them (L:http, M:http). */
export const MCP_HEADERS = {
  sessionId: 'mcp-session-id',
  protocolVersion: 'mcp-protocol-version',
  lastEventId: 'last-event-id',
  /** The message's method; modern requests must have it. */
  method: 'mcp-method',
  /** The name or URI the request is about, encoded; for methods with a `namedMember`. */
  name: 'mcp-name',
} as const;

/** What stands before a parameter's header name, in the lower case Node gives it. */
export const PARAM_HEADER_PREFIX = 'mcp-param-';
