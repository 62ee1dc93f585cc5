import { isTreeMap, type Tree, type TreeMap } from '../yaml/tree.js';
import type { Path } from './path.js';

/** What the command line says; it wins over the environment, which wins over the file. */
export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: string | number | undefined;
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
}

interface Target {
  readonly path: readonly [section: string, key: string];
  readonly option: keyof Overrides;
  readonly flag: string;
  readonly variable: string;
}

const TARGETS: readonly Target[] = [
  { path: ['server', 'host'], option: 'host', flag: '--host', variable: 'MCP_GATEWAY_HOST' },
  { path: ['server', 'port'], option: 'port', flag: '--port', variable: 'MCP_GATEWAY_PORT' },
  { path: ['log', 'level'], option: 'logLevel', flag: '--log-level', variable: 'MCP_GATEWAY_LOG_LEVEL' },
  { path: ['log', 'format'], option: 'logFormat', flag: '--log-format', variable: 'MCP_GATEWAY_LOG_FORMAT' },
];

/** Writes flags and variables into the tree. Returns, per path, what to name when the value is refused. */
export function applyOverrides(
  tree: Tree,
  overrides: Overrides,
  env: Readonly<Record<string, string | undefined>>,
): { tree: Tree; origins: readonly { path: Path; origin: string }[] } {
  const given = TARGETS.flatMap(({ path, option, flag, variable }) => {
    const flagged = overrides[option];
    const value = flagged ?? (env[variable] || undefined);
    return value === undefined ? [] : [{ path, value, origin: flagged === undefined ? variable : flag }];
  });
  if (given.length === 0 || (tree !== null && !isTreeMap(tree))) return { tree, origins: [] };
  const root: TreeMap = { ...tree };
  for (const { path, value } of given) {
    const section = root[path[0]];
    if (section !== undefined && section !== null && !isTreeMap(section)) continue;
    root[path[0]] = { ...section, [path[1]]: value };
  }
  return { tree: root, origins: given };
}
