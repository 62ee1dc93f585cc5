import type { Path } from '../load/path.js';
import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';
import type { UpstreamConfig } from '../sections/upstream.config.js';

/** `auth` and `forward_headers` of one entry of `proxy.servers`. */
export function checkCredential(upstream: UpstreamConfig, config: GatewayConfig, path: Path, findings: Findings): void {
  const { auth, connection, forward_headers, type } = upstream;
  const at = (...keys: string[]) => [...path, ...keys];
  const sendsHeaders = type !== 'stdio' && type !== 'in-process';
  if (forward_headers.length > 0 && !sendsHeaders) {
    findings.warning(at('forward_headers'), `means nothing for type ${type}, which sends no headers`);
  }
  if (auth.type === 'none') return;
  if (!sendsHeaders) {
    const instead = type === 'stdio' ? '; use connection.env' : '';
    findings.warning(at('auth', 'type'), `means nothing for type ${type}, which sends no headers${instead}`);
  }
  if (connection.url?.startsWith('http:') && !isLocal(connection.url)) {
    findings.warning(at('connection', 'url'), 'sends the credential over plain http');
  }
  switch (auth.type) {
    case 'header':
      checkOverlap(upstream, at('forward_headers'), findings);
      break;
    case 'oauth-client-credentials':
      checkClient(auth, at('auth'), findings);
      break;
    case 'token-exchange':
      checkClient(auth, at('auth'), findings);
      if (auth['discovery'] !== null) checkClient(auth['discovery'] as Block, at('auth', 'discovery'), findings);
      break;
    case 'unsafe_passthrough':
      checkPassthrough(auth, config, at('auth'), findings);
  }
}

type Block = Readonly<Record<string, unknown>>;

/** Servers that read "_" as "-" would take the one for the other. */
function checkOverlap({ auth, forward_headers }: UpstreamConfig, place: Path, findings: Findings): void {
  const spelled = (name: unknown) => String(name).toLowerCase().replaceAll('_', '-');
  forward_headers.forEach((name, index) => {
    if (spelled(name) === spelled(auth['header'])) {
      findings.problem([...place, index], 'is the header of the credential in auth, which no client may set');
    }
  });
}

function checkClient(block: Block, place: Path, findings: Findings): void {
  const discovering = block['token_url'] === null;
  if (discovering && block['issuer'] === null && findings.sound(place)) {
    findings.problem(
      [...place, 'issuer'],
      'is required where token_url is null: the client secret is for one server only',
    );
  }
  if (!discovering && typeof block['issuer'] === 'string') {
    findings.warning([...place, 'issuer'], 'means nothing where token_url is set');
  }
  if (block['client_secret'] === undefined && block['client_auth'] !== 'none' && findings.sound(place)) {
    findings.problem([...place, 'client_secret'], 'is required, but for client_auth: none');
  }
}

function checkPassthrough(auth: Block, config: GatewayConfig, place: Path, findings: Findings): void {
  const audience = auth['audience'] as readonly string[];
  if (auth['i_understand'] !== true) {
    findings.problem([...place, 'i_understand'], "must be true: the client's token is handed to this upstream");
  } else {
    findings.warning(
      [...place, 'type'],
      'hands tokens of clients to this upstream, whose word is all that protects them',
    );
  }
  if (audience.length === 0) {
    findings.problem([...place, 'audience'], 'is required: the audiences such a token must carry');
  }
  const own = ownAudiences(config);
  audience.forEach((one, index) => {
    if (own.has(one.replace(/\/$/, ''))) {
      findings.problem(
        [...place, 'audience', index],
        "is an audience of the gateway's own: its tokens are not handed on",
      );
    }
  });
}

function ownAudiences({ oauth, proxy, server }: GatewayConfig): ReadonlySet<string> {
  const base = server.url.replace(/\/$/, '');
  const paths = ['', '/mcp', ...proxy.servers.map(({ name }) => `/mcp/${name}`)];
  const own = [
    ...paths.map((path) => base + path),
    ...(oauth.resource === null ? [] : [oauth.resource]),
    ...oauth.audience,
  ];
  return new Set(own.map((one) => one.replace(/\/$/, '')));
}

/** Names without a dot and private addresses are usual inside a cluster and need no warning. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return (
    !hostname.includes('.') ||
    /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.|^\[|\.(?:local|internal|localhost|svc)$/.test(hostname)
  );
}
