import type { Path } from '../load/path.js';
import type { Findings } from '../load/problems.js';
import { BUILT_IN_TRANSPORTS, ConnectionConfig, type UpstreamConfig } from '../sections/upstream.config.js';

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
    findings.problem(at('connection', 'url'), `is required for type ${type}`);
  }
  if (type === 'stdio' && connection.command === undefined) {
    findings.problem(at('connection', 'command'), 'is required for type stdio');
  }
  if (BUILT_IN_TRANSPORTS.has(type)) warnUseless(upstream, path, findings);
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
  checkCredential(upstream, path, findings);
}

function warnUseless({ type, connection }: UpstreamConfig, path: Path, findings: Findings): void {
  const standard = new ConnectionConfig();
  const own = OWN_KEYS[type] ?? [];
  for (const key of new Set(Object.values(OWN_KEYS).flat())) {
    const used = JSON.stringify(connection[key]) !== JSON.stringify(standard[key]);
    if (used && !own.includes(key)) findings.warning([...path, 'connection', key], `means nothing for type ${type}`);
  }
}

function checkCredential({ type, auth, connection }: UpstreamConfig, path: Path, findings: Findings): void {
  if (auth.type === 'none') return;
  const place = [...path, 'auth', 'type'];
  if (type === 'stdio' || type === 'in-process') {
    const instead = type === 'stdio' ? '; use connection.env' : '';
    findings.warning(place, `means nothing for type ${type}, which sends no headers${instead}`);
  }
  if (connection.url?.startsWith('http:') && !isLocal(connection.url)) {
    findings.warning([...path, 'connection', 'url'], 'sends the credential over plain http');
  }
  if (auth.type !== 'unsafe_passthrough') return;
  if (auth['i_understand'] !== true)
    findings.problem([...path, 'auth', 'i_understand'], "must be true: the client's token is handed to this upstream");
  if ((auth['audience'] as unknown[]).length === 0)
    findings.problem([...path, 'auth', 'audience'], 'is required: the audiences such a token must carry');
}

/** Names without a dot and private addresses are usual inside a cluster and need no warning. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return (
    !hostname.includes('.') ||
    /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.|^\[|\.(?:local|internal|localhost|svc)$/.test(hostname)
  );
}
