import { join } from 'node:path';

/** What of a machine decides where files lie. */
export interface Place {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a client is told of the gateway. */
export interface Connection {
  readonly url: string;
  /** Name of the environment variable that holds the token; without one the client brings no token, or logs in by itself. */
  readonly tokenVariable?: string | undefined;
  /** How to start this package's own command line: program and first arguments. */
  readonly command: readonly [string, ...string[]];
}

export type ServerFields = Readonly<Record<string, unknown>>;

/** One client that `connect` knows. */
export interface KnownClient {
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The object of its file that holds servers by name. */
  readonly section: string;
  /** The file, where this machine has it; a sentence where the client does not run here. */
  readonly file: (place: Place) => string;
  readonly server: (connection: Connection) => ServerFields;
  /** What is left to do by hand. */
  readonly next: (name: string, connection: Connection) => readonly string[];
}

/**
 * Formats as their makers document them: Claude Code https://code.claude.com/docs/en/mcp, Claude Desktop
 * https://modelcontextprotocol.io/docs/develop/connect-local-servers, Cursor https://cursor.com/docs/mcp, VS Code
 * https://code.visualstudio.com/docs/agents/reference/mcp-configuration, Codex https://developers.openai.com/codex/mcp.
 */
export const KNOWN_CLIENTS = {
  'claude-code': {
    title: 'Claude Code',
    format: 'json',
    section: 'mcpServers',
    file: ({ cwd }) => join(cwd, '.mcp.json'),
    server: ({ url, tokenVariable }) => ({
      type: 'http',
      url,
      ...(tokenVariable && bearerFrom(`\${${tokenVariable}}`)),
    }),
    next: (name, { url, tokenVariable }) => [
      'start claude in this folder, approve the server, and see it with /mcp',
      `for all your projects instead: claude mcp add --scope user --transport http ${name} ${url}${
        tokenVariable ? ` --header 'Authorization: Bearer \${${tokenVariable}}'` : ''
      }`,
    ],
  },
  'claude-desktop': {
    title: 'Claude Desktop',
    format: 'json',
    section: 'mcpServers',
    file: claudeDesktopFile,
    // Its file has servers that it starts, and no others: the bridge of this package is one.
    server: ({ url, tokenVariable, command: [command, ...args] }) => ({
      command,
      args: [...args, 'stdio', '--url', url, ...(tokenVariable ? ['--token-env', tokenVariable] : [])],
    }),
    next: (_, { tokenVariable }) => [
      ...(tokenVariable
        ? [`${tokenVariable} has to be in the environment of Claude Desktop, not only of a shell`]
        : []),
      'quit Claude Desktop and start it again: closing its window is not enough',
    ],
  },
  cursor: {
    title: 'Cursor',
    format: 'json',
    section: 'mcpServers',
    file: ({ home }) => join(home, '.cursor', 'mcp.json'),
    server: ({ url, tokenVariable }) => ({
      url,
      ...(tokenVariable && bearerFrom(`\${env:${tokenVariable}}`)),
    }),
    next: () => ['restart Cursor and switch the server on in its settings under MCP'],
  },
  vscode: {
    title: 'VS Code',
    format: 'json',
    section: 'servers',
    file: ({ cwd }) => join(cwd, '.vscode', 'mcp.json'),
    server: ({ url, tokenVariable }) => ({
      type: 'http',
      url,
      ...(tokenVariable && bearerFrom(`\${env:${tokenVariable}}`)),
    }),
    next: () => ['open this folder in VS Code and start the server: command "MCP: List Servers"'],
  },
  codex: {
    title: 'Codex',
    format: 'toml',
    section: 'mcp_servers',
    file: ({ home, env }) => join(env['CODEX_HOME'] || join(home, '.codex'), 'config.toml'),
    server: ({ url, tokenVariable }) => ({ url, ...(tokenVariable && { bearer_token_env_var: tokenVariable }) }),
    next: () => ['start codex anew and see the server with /mcp'],
  },
} as const satisfies Record<string, KnownClient>;

export type ClientName = keyof typeof KNOWN_CLIENTS;
export const CLIENT_NAMES = Object.keys(KNOWN_CLIENTS) as ClientName[];

/** Fields that say where a server is and how to reach it; of an entry that is replaced, none of another kind may stay. */
export const PLACE_FIELDS = ['type', 'url', 'serverUrl', 'command', 'args', 'headers', 'bearer_token_env_var'] as const;

/** Headers with a token that the client puts in when it starts; `reference` is its way to name a variable. */
function bearerFrom(reference: string) {
  return { headers: { Authorization: `Bearer ${reference}` } };
}

function claudeDesktopFile({ platform, home, env }: Place): string {
  const name = 'claude_desktop_config.json';
  switch (platform) {
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'Claude', name);
    case 'win32':
      return join(env['APPDATA'] || join(home, 'AppData', 'Roaming'), 'Claude', name);
    default:
      return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'Claude', name);
  }
}
