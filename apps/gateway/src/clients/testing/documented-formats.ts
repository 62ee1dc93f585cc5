/**
 * What each client's maker documents of its file, as a JSON Schema of the entry for one server. Looked up on 2026-11-26; fields that
 * `connect` never writes are not listed, and none but the listed ones may come out.
 */
const text = { type: 'string', minLength: 1 } as const;
const texts = { type: 'object', additionalProperties: { type: 'string' } } as const;
const url = { type: 'string', pattern: '^https?://' } as const;

export const DOCUMENTED = {
  // https://code.claude.com/docs/en/mcp: "type": "http", "url", "headers"; ${VAR} is expanded in command, args, env, url, headers.
  'claude-code': {
    section: 'mcpServers',
    reference: (name: string) => `\${${name}}`,
    entry: {
      type: 'object',
      required: ['type', 'url'],
      properties: { type: { const: 'http' }, url, headers: texts },
      additionalProperties: false,
    },
  },
  // https://modelcontextprotocol.io/docs/develop/connect-local-servers: "command", "args", "env"; programs on this machine only.
  'claude-desktop': {
    section: 'mcpServers',
    reference: undefined,
    entry: {
      type: 'object',
      required: ['command'],
      properties: { command: text, args: { type: 'array', items: { type: 'string' } }, env: texts },
      additionalProperties: false,
    },
  },
  // https://cursor.com/docs/mcp: remote servers have "url" and "headers"; ${env:NAME} is expanded in url and headers.
  cursor: {
    section: 'mcpServers',
    reference: (name: string) => `\${env:${name}}`,
    entry: {
      type: 'object',
      required: ['url'],
      properties: { url, headers: texts },
      additionalProperties: false,
    },
  },
  // https://code.visualstudio.com/docs/agents/reference/mcp-configuration: "servers", each with "type": "http", "url", "headers".
  vscode: {
    section: 'servers',
    reference: (name: string) => `\${env:${name}}`,
    entry: {
      type: 'object',
      required: ['type', 'url'],
      properties: { type: { enum: ['http', 'sse'] }, url, headers: texts },
      additionalProperties: false,
    },
  },
  // https://developers.openai.com/codex/mcp: [mcp_servers.<name>] with url, bearer_token_env_var, http_headers, env_http_headers.
  codex: {
    section: 'mcp_servers',
    reference: undefined,
    entry: {
      type: 'object',
      required: ['url'],
      properties: { url, bearer_token_env_var: { type: 'string', pattern: '^[A-Za-z_]\\w*$' } },
      additionalProperties: false,
    },
  },
} as const;
