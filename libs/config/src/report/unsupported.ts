import { type Path, showPath } from '../load/path.js';
import type { Problem } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';

export interface Unsupported {
  /** These would restrict access. Serving without them would be unsafe: refuse. */
  readonly restricting: readonly Problem[];
  /** These change nothing about access. Say so once and go on. */
  readonly ignored: readonly Problem[];
}

/** Sections that are part of the grammar but not of this build. As the gateway grows, rows go away here. */
export function unsupportedSections(config: GatewayConfig): Unsupported {
  return { restricting: restricting(config), ignored: ignored(config) };
}

function restricting({ rate_limit }: GatewayConfig): Problem[] {
  const found = collector(
    'is not enforced by this version; the gateway does not serve without it. Remove it to serve everybody who can reach the gateway',
  );
  found.when(rate_limit.length > 0, ['rate_limit']);
  return found.problems;
}

function ignored({ proxy }: GatewayConfig): Problem[] {
  const found = collector('is not available in this version and has no effect');
  proxy.servers.forEach((server, index) => {
    const at = (...keys: string[]) => ['proxy', 'servers', index, ...keys];
    found.when(Object.keys(server.tools.overrides).length > 0, at('tools', 'overrides'));
  });
  return found.problems;
}

function collector(standard: string) {
  const problems: Problem[] = [];
  return {
    problems,
    when(found: boolean, path: Path, message = standard) {
      if (found) problems.push({ path: showPath(path), message });
    },
  };
}
