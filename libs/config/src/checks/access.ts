import { serverOfPattern } from '../fields/formats.js';
import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';
import { matchesGlob } from './glob.js';
import { warnUnknownServers } from './proxy.js';

/** Claims their holder can edit at most identity providers. */
const USER_EDITABLE: ReadonlySet<string> = new Set([
  'name',
  'nickname',
  'preferred_username',
  'picture',
  'given_name',
  'family_name',
]);

/** Tokens, keys, mappings, permissions and limits. */
export function checkAccess(config: GatewayConfig, findings: Findings): void {
  const { oauth, auth, api_keys, rate_limit } = config;
  if (oauth.enabled && oauth.authorization_servers.length === 0 && findings.sound(['oauth', 'authorization_servers'])) {
    findings.problem(['oauth', 'authorization_servers'], 'needs at least one issuer while oauth is enabled');
  }
  checkMappings(auth, findings);
  checkPermissions(config, findings);
  const names = new Map<string, number>();
  const keys = new Map<string, number>();
  api_keys.forEach(({ name, key }, index) => {
    const unique = (map: Map<string, number>, value: string | undefined, field: string) => {
      const other = value === undefined ? undefined : map.get(value);
      if (other !== undefined) findings.problem(['api_keys', index, field], `is the same as in $.api_keys[${other}]`);
      else if (value !== undefined) map.set(value, index);
    };
    unique(names, name, 'name');
    unique(keys, key?.reveal(), 'key');
  });
  rate_limit.forEach((rule, index) => {
    const place = ['rate_limit', index];
    if (rule.limit === null && rule.concurrency === null && findings.sound(place))
      findings.problem(place, 'needs limit or concurrency');
    if (rule.burst !== null && rule.limit === null)
      findings.warning([...place, 'burst'], 'means nothing without limit');
  });
}

function checkMappings(auth: GatewayConfig['auth'], findings: Findings): void {
  auth.claims.forEach((claim, index) => {
    if (USER_EDITABLE.has(claim))
      findings.warning(
        ['auth', 'claims', index],
        `users can often edit their own "${claim}"; do not grant scopes by it`,
      );
  });
  if (!findings.sound(['auth', 'claims'])) return;
  for (const key of Object.keys(auth.mappings)) {
    const claim = mappingClaim(key, auth.claims);
    const place = ['auth', 'mappings', key];
    if (claim === undefined) {
      const listed = auth.claims.length === 0 ? 'auth.claims is empty' : `auth.claims has ${auth.claims.join(', ')}`;
      findings.problem(place, `must be claim:value with a claim listed in auth.claims (${listed})`, 'key');
    } else if (key.length === claim.length + 1) findings.problem(place, `has no value after "${claim}:"`, 'key');
  }
}

/** The claim of a mapping's key: the longest listed one that is followed by ":" there. */
export function mappingClaim(key: string, claims: readonly string[]): string | undefined {
  const fitting = claims.filter((claim) => key.startsWith(`${claim}:`));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

function checkPermissions({ auth, proxy }: GatewayConfig, findings: Findings): void {
  const names = proxy.servers.map(({ name }) => name).filter((name) => name !== undefined);
  for (const [pattern, rule] of Object.entries(auth.permissions)) {
    const place = ['auth', 'permissions', pattern];
    const server = serverOfPattern(pattern);
    if (!names.some((name) => matchesGlob(server, name)))
      findings.warning(place, `no configured server is called "${server}"`, 'key');
    if (rule.public || rule.scopes.length > 0 || !findings.sound(place)) continue;
    if ((rule.mode ?? auth.options.scope_mode) === 'all')
      findings.problem(place, 'needs scopes (or public: true): "all" of none would let everybody in');
    else findings.warning(place, 'has no scopes, so nobody may use it (for everybody: public: true)');
  }
  warnUnknownServers({ deny: auth.deny }, ['auth'], names, findings);
}
