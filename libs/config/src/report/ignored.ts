import { type Path, showPath } from '../load/path.js';
import type { Problem } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';

/** What is part of the grammar and not of this build, and changes nothing about access. As the gateway grows, rows go away here. */
export function ignoredSettings({ proxy }: GatewayConfig): readonly Problem[] {
  const problems: Problem[] = [];
  const ignored = (found: boolean, path: Path) => {
    if (found) problems.push({ path: showPath(path), message: 'is not available in this version and has no effect' });
  };
  proxy.servers.forEach((server, index) => {
    const at = (...keys: string[]) => ['proxy', 'servers', index, ...keys];
    ignored(Object.keys(server.tools.overrides).length > 0, at('tools', 'overrides'));
  });
  return problems;
}
