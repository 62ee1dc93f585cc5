import { firstLine, table } from '../table.js';
import type { Terminal } from '../terminal.js';
import { listTools, withGateway } from './gateway-client.js';
import { schemaText } from './schema-text.js';

export interface ToolsOptions {
  readonly url: string;
  readonly json?: boolean;
  /** Show what each tool takes and gives. */
  readonly schema?: boolean;
  readonly token?: string | undefined;
  readonly version: string;
}

/** Prints the tools of an endpoint; returns the exit code. */
export async function runTools(filter: string | undefined, options: ToolsOptions, terminal: Terminal): Promise<number> {
  const tools = await withGateway(
    { ...options, canAsk: false },
    () => {},
    (client) => listTools(client),
  );
  const wanted = filter === undefined ? tools : tools.filter((tool) => matches(filter, tool.name));
  if (options.json) {
    terminal.out(`${JSON.stringify(wanted, null, 2)}\n`);
    return 0;
  }
  if (wanted.length === 0) {
    terminal.err(
      filter === undefined
        ? 'no tools: no server has listed any (mcp-gateway status), or this caller may see none (mcp-gateway explain)\n'
        : `none of ${tools.length} tools matches '${filter}'\n`,
    );
    return filter === undefined ? 0 : 1;
  }
  if (options.schema) {
    terminal.out(`${wanted.map((tool) => schemaText(tool, terminal.columns)).join('\n\n')}\n`);
    return 0;
  }
  const rows = wanted.map((tool) => [firstLine(tool.name), firstLine(tool.description ?? tool.title ?? '')]);
  for (const line of table([['TOOL', 'DESCRIPTION'], ...rows], terminal.columns)) terminal.out(`${line}\n`);
  return 0;
}

/** `*` stands for anything; without one the filter may stand anywhere in the name. */
function matches(filter: string, name: string): boolean {
  if (!filter.includes('*')) return name.toLowerCase().includes(filter.toLowerCase());
  const pattern = filter.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.join('.*')}$`, 'is').test(name);
}
