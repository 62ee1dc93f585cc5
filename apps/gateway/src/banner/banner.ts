import { DEFAULT_URL } from '../client/gateway-client.js';

export interface BannerInfo {
  readonly version: string;
  /** Path of the configuration file; undefined for the built-in demo. */
  readonly source: string | undefined;
  /** URL of the aggregate endpoint as clients on this machine reach it. */
  readonly url: string;
  readonly loopback: boolean;
  readonly servers: readonly string[];
}

/** What a newcomer needs in the first minute: where it is, how safe it is, and how to use it. */
export function banner(info: BannerInfo): string {
  const configuration = info.source ?? 'none found, running the built-in demo';
  const flag = info.url === DEFAULT_URL ? '' : ` --url ${info.url}`;
  const safety = info.loopback
    ? 'this machine only (loopback), no authentication'
    : 'WARNING: reachable from the network, no authentication (server.allow_anonymous is on)';
  const lines = [
    '',
    ` MCP Gateway ${info.version}   configuration: ${configuration}   (Ctrl-C stops it)`,
    '',
    ` MCP endpoint   ${info.url}   (one server alone: ${info.url}/<server>)`,
    ` Safety         ${safety}`,
    '',
    ` Connect        Claude Code   claude mcp add --transport http gw ${info.url}`,
    `                others        ${JSON.stringify({ mcpServers: { gw: { type: 'http', url: info.url } } })}`,
    ` Try now        npx mcp-gateway tools${flag}`,
    `                npx mcp-gateway call ${example(info.servers)}${flag}`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** A call that works where the server is known to have it; a pattern otherwise. */
function example(servers: readonly string[]): string {
  const known = servers.find((name) => name === 'demo' || name === 'everything');
  return known ? `${known}:echo message=hello` : `${servers[0] ?? 'server'}:<tool> name=value`;
}
