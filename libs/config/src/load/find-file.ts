import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { GatewayError } from '#libs/kernel';

export const DEFAULT_FILES = ['config/config.yaml', '/etc/mcp-gateway/config.yaml'] as const;

export interface Search {
  /** Given on the command line. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where to look when nothing names a file. */
  readonly defaults?: readonly string[] | undefined;
}

export type Found = { readonly file: string; readonly shown: string } | { readonly searched: readonly string[] };

/**
 * The configuration file: `--config`, `$MCP_GATEWAY_CONFIG`, then the usual places. A named file is returned whether it
 * exists or not.
 * @throws GatewayError CONFIG_INVALID when there is none although OKTA_* variables show that one was meant
 */
export function findConfigFile(search: Search): Found {
  const named = search.file ?? (search.env['MCP_GATEWAY_CONFIG'] || undefined);
  if (named !== undefined) return { file: resolve(search.cwd, named), shown: named };
  const searched: string[] = [];
  for (const shown of search.defaults ?? DEFAULT_FILES) {
    const file = resolve(search.cwd, shown);
    if (exists(file)) return { file, shown };
    searched.push(shown);
  }
  const okta = Object.keys(search.env).find((name) => name.startsWith('OKTA_') && search.env[name]);
  if (okta === undefined) return { searched };
  throw new GatewayError(
    'CONFIG_INVALID',
    `${okta} is set, so this gateway is meant to be protected, but there is no configuration file: looked for ${searched.join(' and ')}. ` +
      'Name it with --config or MCP_GATEWAY_CONFIG',
  );
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
