import { mappingClaim } from '../access/scopes.js';
import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';
import { checkPermissions } from './permissions.js';

/** Claims their holder can edit at most identity providers. */
const USER_EDITABLE: ReadonlySet<string> = new Set([
  'name',
  'nickname',
  'preferred_username',
  'picture',
  'given_name',
  'family_name',
]);

/** Tokens, keys, mappings and permissions. */
export function checkAccess(config: GatewayConfig, findings: Findings): void {
  const { oauth, auth, api_keys } = config;
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
