import type { GatewayConfig } from '#libs/config';
import { DEFAULT_URL } from '../client/reach.js';

export interface BannerInfo {
  readonly version: string;
  /** Path of the configuration file; undefined for the built-in demo. */
  readonly source: string | undefined;
  /** URL of the aggregate endpoint as clients on this machine reach it. */
  readonly url: string;
  readonly loopback: boolean;
  /** Who may call, e.g. `access tokens of https://idp.example`; absent: anybody who can reach it. */
  readonly authentication?: string | undefined;
  readonly servers: readonly string[];
}

/** What a newcomer needs in the first minute: where it is, how safe it is, and how to use it. */
export function banner(info: BannerInfo): string {
  const configuration = info.source ?? 'none found, running the built-in demo';
  const flag = info.url === DEFAULT_URL ? '' : ` --url ${info.url}`;
  const reach = info.loopback ? 'this machine only (loopback)' : 'reachable from the network';
  const safety =
    info.authentication !== undefined
      ? `${reach}; callers need ${info.authentication}`
      : info.loopback
        ? `${reach}, no authentication`
        : `WARNING: ${reach}, no authentication (server.allow_anonymous is on)`;
  const token = info.authentication === undefined ? '' : 'MCP_GATEWAY_TOKEN=… ';
  const lines = [
    '',
    ` MCP Gateway ${info.version}   configuration: ${configuration}   (Ctrl-C stops it)`,
    '',
    ` MCP endpoint   ${info.url}   (one server alone: ${info.url}/<server>)`,
    ` Safety         ${safety}`,
    '',
    ` Connect        Claude Code   claude mcp add --transport http gw ${info.url}`,
    `                others        ${JSON.stringify({ mcpServers: { gw: { type: 'http', url: info.url } } })}`,
    ` Try now        ${token}npx mcp-gateway tools${flag}`,
    `                ${token}npx mcp-gateway call ${example(info.servers)}${flag}`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** Who may call, in words; undefined while nobody is asked. */
export function authenticationIn({ oauth, api_keys }: Pick<GatewayConfig, 'oauth' | 'api_keys'>): string | undefined {
  const ways = [
    oauth.enabled ? `an access token of ${oauth.authorization_servers.join(' or ')}` : undefined,
    api_keys.length > 0 ? 'an API key' : undefined,
  ].filter((way) => way !== undefined);
  return ways.length === 0 ? undefined : ways.join(' or ');
}

/** A call that works where the server is known to have it; a pattern otherwise. */
function example(servers: readonly string[]): string {
  const known = servers.find((name) => name === 'demo' || name === 'everything');
  return known ? `${known}:echo message=hello` : `${servers[0] ?? 'server'}:<tool> name=value`;
}
