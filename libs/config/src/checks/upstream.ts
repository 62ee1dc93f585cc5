import type { Path } from '../load/path.js';
import type { Findings } from '../load/problems.js';
import { BUILT_IN_TRANSPORTS, ConnectionConfig, type UpstreamConfig } from '../sections/upstream.config.js';
import { checkOverrides } from './overrides.js';

/** Keys of `connection` that mean something to each built-in transport, besides the common ones. */
const OWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  'streamable-http': ['url', 'tls'],
  sse: ['url', 'tls'],
  stdio: ['command', 'args', 'env', 'cwd'],
  'in-process': ['server'],
};

/** One entry of `proxy.servers`. */
export function checkUpstream(upstream: UpstreamConfig, path: Path, findings: Findings): void {
  const { type, connection } = upstream;
  const at = (...keys: string[]) => [...path, ...keys];
  if ((type === 'streamable-http' || type === 'sse') && connection.url === undefined) {
    findings.problem(
      at('connection', 'url'),
      `is required for type ${type}; write where the server is, like https://host/mcp`,
    );
  }
  if (type === 'stdio' && connection.command === undefined) {
    findings.problem(
      at('connection', 'command'),
      'is required for type stdio; write the program that is the server, like npx',
    );
  }
  if (BUILT_IN_TRANSPORTS.has(type)) warnUseless(upstream, path, findings);
  checkOverrides(upstream, path, findings);
  if (connection.timeout > connection.max_total) {
    findings.warning(at('connection', 'timeout'), 'is longer than max_total and so never takes effect');
  }
  if ((connection.tls.cert_file === null) !== (connection.tls.key_file === null)) {
    findings.problem(at('connection', 'tls'), 'cert_file and key_file belong together');
  }
  if (connection.tls.insecure_skip_verify) {
    findings.warning(
      at('connection', 'tls', 'insecure_skip_verify'),
      "anyone on the way can read and change this upstream's traffic",
    );
  }
}

function warnUseless({ type, connection }: UpstreamConfig, path: Path, findings: Findings): void {
  const standard = new ConnectionConfig();
  const own = OWN_KEYS[type] ?? [];
  for (const key of new Set(Object.values(OWN_KEYS).flat())) {
    const used = JSON.stringify(connection[key]) !== JSON.stringify(standard[key]);
    if (used && !own.includes(key)) findings.warning([...path, 'connection', key], `means nothing for type ${type}`);
  }
}
