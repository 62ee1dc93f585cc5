import { isObject } from '#libs/kernel';
import { UsageError } from '../../client/arguments.js';
import { readJson } from '../merge-json.js';
import { readToml } from '../merge-toml.js';

export interface ClientServer {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const SECTIONS = [['mcpServers'], ['servers'], ['mcp', 'servers'], ['mcp_servers']] as const;

/** The servers in a client's file, JSON with comments or TOML. @throws UsageError when there are none to be found */
export function serversIn(text: string, file: string): readonly ClientServer[] {
  const root =
    /\.toml$/i.test(file) || /^\s*\[\s*mcp_servers\b/m.test(text) ? readToml(text, file) : readJson(text, file);
  for (const path of SECTIONS) {
    let section: unknown = root;
    for (const key of path) section = isObject(section) ? section[key] : undefined;
    if (!isObject(section)) continue;
    return Object.entries(section).map(([name, fields]) => {
      if (isObject(fields)) return { name, fields };
      throw new UsageError(`${path.join('.')}.${name} in ${file} is no object; mend it first`);
    });
  }
  throw new UsageError(`${file} has none of mcpServers, servers and mcp_servers: is it the file of an MCP client?`);
}
