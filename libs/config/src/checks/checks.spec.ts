import { describe, expect, it } from 'vitest';
import { loadText, problemLines } from '../testing/load-text.js';

const STRONG = 'abcdefghijklmnopqrstuvwxyz0123456789';
const server = (rest: string) => `proxy: { servers: [{ name: a, type: in-process, ${rest} }] }`;
const http = (rest: string) =>
  `proxy: { servers: [{ name: a, type: streamable-http, connection: { url: "http://a/" }, ${rest} }] }`;
const servers = (...entries: string[]) =>
  `proxy: { servers: [${entries.map((entry) => `{ type: in-process, ${entry} }`).join(', ')}] }`;
const warningsOf = (text: string, env = {}) =>
  loadText(text, { env }).warnings.map(({ path, message }) => `${path}: ${message}`);

describe('refused', () => {
  it.each([
    // names
    [servers('name: N8N'), '$.proxy.servers[0].name', /1 to 30 lower-case letters/],
    [servers('name: a-'), '$.proxy.servers[0].name', /not end with "-"/],
    [servers(`name: ${'a'.repeat(31)}`), '$.proxy.servers[0].name', /1 to 30/],
    [servers('name: mcp'), '$.proxy.servers[0].name', /"mcp" is reserved/],
    [servers('name: constructor'), '$.proxy.servers[0].name', /reserved/],
    [servers('name: ../x'), '$.proxy.servers[0].name', /1 to 30/],
    [servers('name: 1'), '$.proxy.servers[0].name', /must be text: put quotes around it, not 1/],
    [servers('enabled: true'), '$.proxy.servers[0].name', /^is required and not there; add it$/],
    [
      'proxy: { max_children: 1, servers: [{ name: a, type: stdio, connection: { command: x } }, { name: b, type: stdio, connection: { command: x } }] }',
      '$.proxy.max_children',
      /must be at least 2/,
    ],
    ['proxy: { servers: [{ name: a }] }', '$.proxy.servers[0].type', /^is required and not there; add it$/],
    [
      servers('name: a', 'name: b', 'name: a'),
      '$.proxy.servers[2].name',
      /already taken by \$\.proxy\.servers\[0\]\.name/,
    ],
    [
      `${servers('name: a').slice(0, -2)}, toolsets: { a: { include: ["a:*"] } } }`,
      '$.proxy.toolsets.a',
      /already taken by \$\.proxy\.servers\[0\]\.name/,
    ],
    ['proxy: { toolsets: { mcp: {} } }', '$.proxy.toolsets.mcp', /reserved/],
    [
      servers('name: a, prefix: x', 'name: b, prefix: x'),
      '$.proxy.servers[1].prefix',
      /already used by \$\.proxy\.servers\[0\]/,
    ],
    [
      servers('name: a, prefix: b', 'name: b'),
      '$.proxy.servers[0].prefix',
      /name of another server \(\$\.proxy\.servers\[1\]\)/,
    ],
    [servers('name: a, prefix: A'), '$.proxy.servers[0].prefix', /1 to 30/],
    // overrides
    [server('tools: { overrides: { x: 1 } }'), '$.proxy.servers[0].tools.overrides.x', /must be a mapping/],
    [
      server('tools: { overrides: { x: { nam: y } } }'),
      '$.proxy.servers[0].tools.overrides.x.nam',
      /did you mean name/,
    ],
    [
      server('tools: { overrides: { x: { name: "a b" } } }'),
      '$.proxy.servers[0].tools.overrides.x.name',
      /letters, digits/,
    ],
    [
      server('tools: { overrides: { x: { description: "a\\u202eb" } } }'),
      '$.proxy.servers[0].tools.overrides.x.description',
      /invisible characters/,
    ],
    [
      server('tools: { overrides: { x: { name: z }, y: { name: z } } }'),
      '$.proxy.servers[0].tools.overrides.y.name',
      /"z" is already given by \$\.proxy\.servers\[0\]\.tools\.overrides\.x\.name/,
    ],
    [
      server('tools: { overrides: { x: { name: y }, y: {} } }'),
      '$.proxy.servers[0].tools.overrides.x.name',
      /"y" is another tool's own name/,
    ],
    // transports
    ['proxy: { servers: [{ name: a, type: sse }] }', '$.proxy.servers[0].connection.url', /is required for type sse/],
    [
      'proxy: { servers: [{ name: a, type: stdio }] }',
      '$.proxy.servers[0].connection.command',
      /is required for type stdio/,
    ],
    [http('x: 1'), '$.proxy.servers[0].x', /unknown key/],
    [server('connection: { shard: 3 }'), '$.proxy.servers[0].connection.shard', /unknown key/],
    [server('connection: { url: "ftp://a/" }'), '$.proxy.servers[0].connection.url', /http:\/\/ or https:\/\//],
    [server('connection: { url: "http://u:p@a/" }'), '$.proxy.servers[0].connection.url', /user name or password/],
    [server('connection: { url: "http://a/#b" }'), '$.proxy.servers[0].connection.url', /fragment/],
    [server('connection: { url: "a.example.com" }'), '$.proxy.servers[0].connection.url', /must be a URL like/],
    [server('connection: { url: "http://a/ b" }'), '$.proxy.servers[0].connection.url', /must be a URL like/],
    [server('connection: { args: [1] }'), '$.proxy.servers[0].connection.args[0]', /put quotes around it, not 1/],
    [
      server('connection: { env: { PORT: 8080 } }'),
      '$.proxy.servers[0].connection.env.PORT',
      /put quotes around it, not 8080/,
    ],
    [server('connection: { env: { "A=B": x } }'), '$.proxy.servers[0].connection.env["A=B"]', /environment variable/],
    [server('connection: { tls: { cert_file: a } }'), '$.proxy.servers[0].connection.tls', /belong together/],
    // units
    [server('connection: { timeout: 30 }'), '$.proxy.servers[0].connection.timeout', /a duration like 500ms.*not 30$/],
    [server('connection: { timeout: 0 }'), '$.proxy.servers[0].connection.timeout', /from 1ms to 24h/],
    [server('connection: { timeout: -1s }'), '$.proxy.servers[0].connection.timeout', /duration/],
    [server('connection: { timeout: 25h }'), '$.proxy.servers[0].connection.timeout', /from 1ms to 24h, not "25h"/],
    [server('connection: { pool: 0 }'), '$.proxy.servers[0].connection.pool', /from 1 to 10000/],
    [server('connection: { pool: 1.5 }'), '$.proxy.servers[0].connection.pool', /whole number/],
    ['server: { limits: { body: 4MB } }', '$.server.limits.body', /a size like 512KiB/],
    ['server: { limits: { body: 0 } }', '$.server.limits.body', /from 1KiB/],
    ['server: { limits: { sessions_per_principal: 0 } }', '$.server.limits.sessions_per_principal', /from 1/],
    ['proxy: { retry: { initial: 2m } }', '$.proxy.retry.initial', /not be longer than retry\.max/],
    // credentials
    [http('auth: { header: x-a, value: v }'), '$.proxy.servers[0].auth.type', /is required \(none, header, bearer, /],
    [http('auth: bearer'), '$.proxy.servers[0].auth', /must be a mapping/],
    [http('auth: { type: header, value: v }'), '$.proxy.servers[0].auth.header', /is required/],
    [http('auth: { type: header, header: "x a", value: v }'), '$.proxy.servers[0].auth.header', /header name/],
    [
      http('auth: { type: header, header: Mcp-Session-Id, value: v }'),
      '$.proxy.servers[0].auth.header',
      /belongs to the gateway/,
    ],
    [
      http('auth: { type: header, header: x-a, value: "a\\r\\nb: c" }'),
      '$.proxy.servers[0].auth.value',
      /no line breaks/,
    ],
    [
      http('auth: { type: header, header: x-a, value: " a" }'),
      '$.proxy.servers[0].auth.value',
      /no blank at either end/,
    ],
    [http('auth: { type: header, header: x-a, value: "" }'), '$.proxy.servers[0].auth.value', /must not be empty$/],
    [
      http('auth: { type: header, header: x-a, value: v, valeu: w }'),
      '$.proxy.servers[0].auth.valeu',
      /did you mean value/,
    ],
    [http('auth: { type: bearer, token: "a b" }'), '$.proxy.servers[0].auth.token', /without blanks/],
    [
      http('auth: { type: basic, username: "a:b", password: p }'),
      '$.proxy.servers[0].auth.username',
      /must not contain ":"/,
    ],
    [
      http(
        'auth: { type: oauth-client-credentials, client_id: a, client_secret: b, token_url: "http://idp.example.com/t" }',
      ),
      '$.proxy.servers[0].auth.token_url',
      /must be https/,
    ],
    [http('auth: { type: unsafe_passthrough, audience: [x] }'), '$.proxy.servers[0].auth.i_understand', /must be true/],
    [http('auth: { type: unsafe_passthrough, i_understand: true }'), '$.proxy.servers[0].auth.audience', /is required/],
    [
      http('auth: { type: unsafe_passthrough, i_understand: true, audience: ["http://localhost:8082/mcp"] }'),
      '$.proxy.servers[0].auth.audience[0]',
      /audience of the gateway's own/,
    ],
    [
      `oauth: { audience: [mine] }\n${http('auth: { type: unsafe_passthrough, i_understand: true, audience: [mine] }')}`,
      '$.proxy.servers[0].auth.audience[0]',
      /audience of the gateway's own/,
    ],
    [
      http('auth: { type: oauth-client-credentials, client_id: a, client_secret: b }'),
      '$.proxy.servers[0].auth.issuer',
      /is required where token_url is null/,
    ],
    [
      http('auth: { type: oauth-client-credentials, client_id: a, token_url: "https://a.example/t" }'),
      '$.proxy.servers[0].auth.client_secret',
      /is required, but for client_auth: none/,
    ],
    [
      http(
        'auth: { type: oauth-client-credentials, client_id: a, client_secret: b, token_url: "https://a.example/t", client_auth: jwt }',
      ),
      '$.proxy.servers[0].auth.client_auth',
      /must be one of auto, basic, basic_raw, post, none/,
    ],
    [
      http(
        'auth: { type: token-exchange, client_id: a, client_secret: b, token_url: "https://a.example/t", discovery: { type: oauth-client-credentials, client_id: a, client_secret: b } }',
      ),
      '$.proxy.servers[0].auth.discovery.issuer',
      /is required where token_url is null/,
    ],
    [
      http('auth: { type: header, header: X-Api-Key, value: v }, forward_headers: [x_api_key]'),
      '$.proxy.servers[0].forward_headers[0]',
      /header of the credential/,
    ],
    ...[
      'host',
      'content-length',
      'content_type',
      'transfer-encoding',
      'connection',
      'keep-alive',
      'te',
      'trailer',
      'upgrade',
      'http2-settings',
      'proxy-connection',
      'forwarded',
      'x-forwarded-for',
      'X_Forwarded_Host',
      'x-real-ip',
      'cookie',
      'dpop',
      'mcp-session-id',
      'Mcp_Name',
      'proxy_authorization',
      'x-request-id',
      'x-upstream-authorization-b',
    ].map((name): [string, string, RegExp] => [
      http(`forward_headers: [${name}]`),
      '$.proxy.servers[0].forward_headers[0]',
      /never forwarded|belongs to the gateway/,
    ]),
    [http('forward_headers: ["x a"]'), '$.proxy.servers[0].forward_headers[0]', /must be a header name/],
    ['proxy: { egress: { deny: ["127.1"] } }', '$.proxy.egress.deny[0]', /must be written as 127\.0\.0\.1/],
    ['proxy: { egress: { deny: ["*.a b"] } }', '$.proxy.egress.deny[0]', /a host, \*\.host/],
    [http('forward_headers: [Authorization]'), '$.proxy.servers[0].forward_headers[0]', /never forwarded/],
    [http('forward_headers: [x-a, X-A]'), '$.proxy.servers[0].forward_headers[1]', /twice/],
    // front door
    ['server: { cors: { allowed_origins: ["*"] } }', '$.server.cors.allowed_origins[0]', /any web page/],
    [
      'server: { cors: { allowed_origins: ["https://*.a.example"] } }',
      '$.server.cors.allowed_origins[0]',
      /any web page/,
    ],
    ['oauth: { resource: "https://GW.example/mcp/" }', '$.oauth.resource', /spelled https:\/\/gw\.example\/mcp;/],
    ['oauth: { resource: "gw" }', '$.oauth.resource', /must be a URL/],
    [
      'server: { cors: { allowed_origins: ["https://a.example/"] } }',
      '$.server.cors.allowed_origins[0]',
      /exact origin.*https:\/\/a\.example/,
    ],
    ['server: { cors: { allowed_origins: ["null"] } }', '$.server.cors.allowed_origins[0]', /must be an origin/],
    ['server: { allowed_hosts: ["*.example.com"] }', '$.server.allowed_hosts[0]', /wildcards/],
    ['server: { trusted_proxies: [10.0.0.0/33] }', '$.server.trusted_proxies[0]', /IP address or a network/],
    ['server: { url: "localhost:8082" }', '$.server.url', /http/],
    ['server: { host: "a b" }', '$.server.host', /host name/],
    ['server: { session_key: short }', '$.server.session_key', /at least 32 characters/],
    [`server: { session_key: ${'a'.repeat(40)} }`, '$.server.session_key', /too easy to guess/],
    [`server: { session_key: change-me-${STRONG} }`, '$.server.session_key', /is a placeholder/],
    ['metrics: { token: short }', '$.metrics.token', /at least 32/],
    ['metrics: { path: /mcp/x }', '$.metrics.path', /own paths/],
    ['metrics: { path: metrics }', '$.metrics.path', /must be a path/],
    ['metrics: { listen: 9464 }', '$.metrics.listen', /text/],
    ['metrics: { listen: "localhost:99999" }', '$.metrics.listen', /host:port/],
    // access
    ['oauth: { enabled: true }', '$.oauth.authorization_servers', /at least one issuer/],
    [
      'oauth: { authorization_servers: ["http://idp.example.com"] }',
      '$.oauth.authorization_servers[0]',
      /must be https/,
    ],
    ['oauth: { algorithms: [HS256] }', '$.oauth.algorithms[0]', /RS256/],
    ['oauth: { algorithms: [none] }', '$.oauth.algorithms[0]', /RS256/],
    ['oauth: { clock_tolerance: 5m }', '$.oauth.clock_tolerance', /to 60s/],
    [
      'oauth: { introspection: { url: "https://a/", client_secret: x } }',
      '$.oauth.introspection.client_id',
      /is required/,
    ],
    ['oauth: { provider: auth0, entra: {} }', '$.oauth.entra', /unknown key/],
    ['auth: { mappings: { "groups:A": [s] } }', '$.auth.mappings["groups:A"]', /auth\.claims is empty/],
    [
      'auth: { claims: [groups], mappings: { "roles:A": [s] } }',
      '$.auth.mappings["roles:A"]',
      /auth\.claims has groups/,
    ],
    ['auth: { claims: [groups], mappings: { "groups:": [s] } }', '$.auth.mappings["groups:"]', /has no value/],
    ['auth: { claims: [groups], mappings: { "groups:A": s } }', '$.auth.mappings["groups:A"]', /must be a list/],
    [
      'auth: { claims: [groups], mappings: { "groups:A": ["a b"] } }',
      '$.auth.mappings["groups:A"][0]',
      /must be a scope/,
    ],
    ['auth: { permissions: { n8n: [s] } }', '$.auth.permissions.n8n', /must be server:tool/],
    ['auth: { permissions: { "things/n8n:*": [s] } }', '$.auth.permissions["things/n8n:*"]', /must be one of tools\//],
    ['auth: { permissions: { "N8N:*": [s] } }', '$.auth.permissions["N8N:*"]', /cannot be a server's name/],
    ['auth: { permissions: { "a:*": { scope: [s] } } }', '$.auth.permissions["a:*"].scope', /did you mean scopes/],
    ['auth: { permissions: { "a:*": { mode: all } } }', '$.auth.permissions["a:*"]', /would let everybody in/],
    ['auth: { deny: ["a:********x*"] }', '$.auth.deny[0]', /more than 8/],
    ['auth: { implies: { "a b": [c] } }', '$.auth.implies["a b"]', /must be a scope/],
    [
      `api_keys: [{ name: a, key: ${STRONG} }, { name: a, key: "${STRONG}!" }]`,
      '$.api_keys[1].name',
      /same as in \$\.api_keys\[0\]/,
    ],
    [
      `api_keys: [{ name: a, key: ${STRONG} }, { name: b, key: ${STRONG} }]`,
      '$.api_keys[1].key',
      /same as in \$\.api_keys\[0\]/,
    ],
    ['api_keys: [{ name: a, key: short }]', '$.api_keys[0].key', /at least 32/],
    ['api_keys: [{ name: a, key: "abcdefghijklmnop qrstuvwxyz0123456789" }]', '$.api_keys[0].key', /without blanks/],
    ['rate_limit: [{ key: ip }]', '$.rate_limit[0]', /needs limit or concurrency/],
    ['rate_limit: [{ key: planet, limit: 1 }]', '$.rate_limit[0].key', /one of principal/],
    ['proxy: { toolsets: { t: { include: [search] } } }', '$.proxy.toolsets.t.include[0]', /must be server:tool/],
    ['proxy: { naming: { separator: "" } }', '$.proxy.naming.separator', /1 to 8/],
    [
      'proxy: { egress: { deny: ["http://a"] } }',
      '$.proxy.egress.deny[0]',
      /a host, \*\.host, an address or a network/,
    ],
    // later
    ['store: { type: redis }', '$.store.type', /not available yet/],
    ['server: { replicas: 2 }', '$.server.replicas', /needs a shared store/],
    ['tracing: { enabled: true }', '$.tracing.enabled', /not available yet/],
    ['admin: { enabled: true }', '$.admin.enabled', /not available yet/],
  ])('%s', (text, path, message) => {
    const lines = problemLines(text);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.slice(0, path.length + 2)).toBe(`${path}: `);
    expect(lines[0]?.slice(path.length + 2)).toMatch(message);
  });
});

it('T004: pages are let in by their exact origin, and by nothing wider', () => {
  const flaws = (origin: string) => problemLines(`server: { cors: { allowed_origins: ['${origin}'] } }`);
  for (const origin of [
    '*',
    'https://*',
    'https://*.example.com',
    'null',
    'true',
    'https://a.example/',
    'https://u@a.example',
  ]) {
    expect(flaws(origin)).toEqual([expect.stringMatching(/^\$\.server\.cors\.allowed_origins\[0\]: /)]);
  }
  expect(flaws('https://app.example.com')).toEqual([]);
});

describe('accepted', () => {
  it('for a tool the name of one that is left out', () => {
    const text = server('tools: { exclude: [y], overrides: { x: { name: y, description: "Übt 👩‍💻\\n" } } }');
    expect(loadText(text).config.proxy.servers[0]?.tools.overrides['x']?.name).toBe('y');
  });

  it.each([
    servers('name: a', 'name: b', 'name: n8n-2, prefix: n8n'),
    'proxy: { servers: [{ name: a, type: carrier-pigeon, connection: { loft: west, birds: { count: 3 } }, auth: { type: seed, token: t } }] }',
    'oauth: { provider: acme, acme: { tenant: x, client_secret: y } }',
    'oauth: { provider: okta, okta: { org_url: "https://acme.okta.com" } }',
    'auth: { permissions: { "prompts/a:*": [s], "resources/a:file:///x/*": [s], "*:*": { public: true }, "a:b": { scopes: [s], mode: all, on_deny: challenge } } }',
    'auth: { claims: ["https://acme.com/roles", a.b], mappings: { "https://acme.com/roles:Admin": [s], "a.b:c:d": [s] } }',
    'server: { host: "::", url: "https://gw.example.com/base", allowed_hosts: [GW.example.com, "gw:8443", "[::1]"], trusted_proxies: [10.0.0.0/8, "::1"] }',
    'store: { type: memory }\ntracing: { enabled: false }\nadmin: { enabled: false, keys: [] }\nserver: { replicas: 1 }',
    'rate_limit: [{ key: principal, match: "n8n:*", limit: 60, per: 1m, burst: 20, concurrency: 10 }]',
    'proxy: { grace: 0, clients: { "claude*": { separator: __, max_length: 64, tolerate: [] } } }',
    'server: { limits: { body: 1048576 } }',
    http('auth: { type: header, header: Authorization, value: "${V:-Token abc}" }'),
  ])('%s', (text) => {
    expect(problemLines(text)).toEqual([]);
  });

  it("a plug-in's settings, with what is secret by its name as a Secret", () => {
    const { config } = loadText(
      'proxy: { servers: [{ name: a, type: x, connection: { k: 1 }, auth: { type: seed, token: t, region: eu, nested: { api_key: k } } }] }',
    );
    const [upstream] = config.proxy.servers;
    expect(upstream?.connection['k']).toBe(1);
    expect(JSON.stringify(upstream?.auth)).toBe(
      '{"type":"seed","token":"[secret]","region":"eu","nested":{"api_key":"[secret]"}}',
    );
  });

  it('free keys that every object has, without touching what every object has', () => {
    const { config } = loadText(
      'proxy: { clients: { toString: {}, valueOf: {} } }\nauth: { implies: { hasOwnProperty: [a] } }',
    );
    expect(Object.keys(config.proxy.clients)).toEqual(['toString', 'valueOf']);
    expect(config.auth.implies['toString']).toBeUndefined();
  });
});

describe('warned about', () => {
  it.each([
    [http(`auth: { type: bearer, token: ${STRONG} }`), /auth\.token: a secret stands in the file itself/],
    [
      'proxy: { servers: [{ name: a, type: streamable-http, connection: { url: "http://a.example.com/" }, auth: { type: bearer, token: "${T}" } }] }',
      /over plain http/,
    ],
    [server('connection: { command: node }'), /connection\.command: means nothing for type in-process/],
    [server('connection: { timeout: 1h }'), /longer than max_total/],
    [
      'proxy: { servers: [{ name: a, type: stdio, connection: { command: a }, auth: { type: bearer, token: "${T}" } }] }',
      /sends no headers; use connection\.env/,
    ],
    [
      http('auth: { type: none }').replace('}, auth', ', tls: { insecure_skip_verify: true } }, auth'),
      /anyone on the way/,
    ],
    ['proxy: { toolsets: { t: { include: ["nobody:*"] } } }', /include\[0\]: no configured server is called "nobody"/],
    ['proxy: { toolsets: { t: {} } }', /offers nothing/],
    [server('tools: { overrides: { x: {} } }'), /overrides\.x: changes nothing/],
    [server('tools: { exclude: [x], overrides: { x: { name: y } } }'), /overrides\.x: include and exclude leave/],
    ['rate_limit: [{ key: ip, match: "nobody:*", limit: 1 }]', /match: no configured server is called "nobody"/],
    ['rate_limit: [{ key: ip, burst: 5, concurrency: 1 }]', /burst: means nothing without limit/],
    ['auth: { claims: [nickname] }', /edit their own "nickname"/],
    ['auth: { permissions: { "*:x": [] } }', /nobody may use it/],
  ])('%s', (text, message) => {
    expect(warningsOf(text, { T: STRONG }).join('\n')).toMatch(message);
  });

  it('not about secrets that come from elsewhere', () => {
    expect(warningsOf(http('auth: { type: bearer, token: "${T}" }'), { T: STRONG })).toEqual([]);
  });
});
