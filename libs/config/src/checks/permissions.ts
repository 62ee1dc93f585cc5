import { matchesGlob } from '#libs/kernel';
import { closeness, type PermissionPattern, parsePattern } from '../access/pattern.js';
import { obtainable, parseMappings, withImplied } from '../access/scopes.js';
import type { Findings } from '../load/problems.js';
import type { PermissionConfig } from '../sections/auth.config.js';
import type { GatewayConfig } from '../sections/gateway.config.js';
import { warnUnknownServers } from './proxy.js';

const MAX_RULES = 5_000;
/** Pairs of patterns beyond which nobody waits for a report about them. */
const MAX_COMPARED = 1_000_000;

interface Rule extends PermissionConfig {
  readonly pattern: PermissionPattern;
}

/** What permissions say about each other, about mappings and about who can call at all. */
export function checkPermissions(config: GatewayConfig, findings: Findings): void {
  const { auth, proxy } = config;
  const entries = Object.entries(auth.permissions);
  if (entries.length + auth.deny.length > MAX_RULES) {
    const message = `and auth.deny have ${entries.length + auth.deny.length} patterns together; at most ${MAX_RULES} are taken`;
    findings.problem(['auth', 'permissions'], message);
    return;
  }
  checkPresence(config, findings);
  const names = proxy.servers.map(({ name }) => name).filter((name) => name !== undefined);
  warnUnknownServers({ deny: auth.deny }, ['auth'], names, findings);
  if (!findings.sound(['auth', 'permissions']) || !findings.sound(['auth', 'deny'])) return;
  const rules = entries.map(([text, rule]) => ({ ...rule, pattern: parsePattern(text) }));
  for (const rule of rules) checkRule(rule, config, names, findings);
  if (findings.sound(['auth'])) checkScopes(rules, config, findings);
  checkShadows(rules, auth.deny.map(parsePattern), names, findings);
}

function place({ pattern }: Pick<Rule, 'pattern'>) {
  return ['auth', 'permissions', pattern.text];
}

/** Permissions without callers who have scopes, and such callers without permissions. */
function checkPresence({ auth, oauth, api_keys, proxy }: GatewayConfig, findings: Findings): void {
  const decides = Object.keys(auth.permissions).length > 0 || auth.options.default_scope !== null;
  const authenticates = oauth.enabled || api_keys.length > 0;
  if (authenticates && !decides) {
    const server = proxy.servers[0]?.name ?? 'server';
    const scope = Object.values(auth.mappings)[0]?.[0];
    const value = scope === undefined ? '{ public: true }' : `["${scope}"]`;
    findings.warning(
      ['auth', 'permissions'],
      `is empty, so callers authenticate and see nothing. Add what they may use: "${server}:*": ${value}`,
    );
  } else if (decides && !authenticates) {
    findings.warning(
      ['auth', 'permissions'],
      'nobody can have scopes without oauth and api_keys: only what is public: true can be seen',
    );
  }
}

function checkRule(rule: Rule, { auth }: GatewayConfig, names: readonly string[], findings: Findings): void {
  const { server } = rule.pattern;
  if (!names.some((name) => matchesGlob(server, name)))
    findings.warning(place(rule), `no configured server is called "${server}"`, 'key');
  if (rule.public && rule.scopes.length > 0)
    findings.warning(place(rule), 'is public, so everybody may use it and its scopes mean nothing');
  if (rule.public || rule.scopes.length > 0) return;
  if ((rule.mode ?? auth.options.scope_mode) === 'all')
    findings.problem(place(rule), 'needs scopes (or public: true): "all" of none would let everybody in');
  else findings.warning(place(rule), 'has no scopes, so nobody may use it (for everybody: public: true)');
}

/** Scopes nobody can get, at all or by asking for them. */
function checkScopes(rules: readonly Rule[], { auth, oauth }: GatewayConfig, findings: Findings): void {
  const mappings = parseMappings(auth);
  const granted = withImplied(
    mappings.flatMap(({ grants }) => grants),
    auth.implies,
  );
  const ways = obtainable(mappings, auth.implies);
  const { default_scope, scope_mode } = auth.options;
  if (default_scope !== null && !granted.has(default_scope))
    findings.warning(['auth', 'options', 'default_scope'], `no mapping grants "${default_scope}", so nobody has it`);
  for (const rule of rules) {
    if (rule.public || rule.scopes.length === 0) continue;
    const lacking = rule.scopes.filter((scope) => !granted.has(scope));
    const isDead = (rule.mode ?? scope_mode) === 'all' ? lacking.length > 0 : lacking.length === rule.scopes.length;
    if (isDead)
      findings.warning(place(rule), `no mapping grants ${quoted(lacking)}, so nobody may use what this decides`);
    if (rule.on_deny !== 'challenge') continue;
    if (!oauth.enabled)
      findings.warning([...place(rule), 'on_deny'], 'works as hide: without oauth there is nobody to ask for scopes');
    else if (!rule.scopes.some((scope) => ways.has(scope)))
      findings.warning(
        [...place(rule), 'on_deny'],
        `works as hide: no client can ask for ${quoted(rule.scopes)}. A mapping like "scope:${rule.scopes[0]}" would let it`,
      );
  }
}

/** Rules that never decide anything, and rules that say twice what they are about. */
function checkShadows(
  rules: readonly Rule[],
  denied: readonly PermissionPattern[],
  names: readonly string[],
  findings: Findings,
): void {
  if (rules.length * (denied.length + 1) > MAX_COMPARED) return;
  const twins = new Map<string, PermissionPattern>();
  const shared = rules.filter(({ pattern }) => closeness(pattern.server) !== Number.POSITIVE_INFINITY).length;
  const isQuick = shared * rules.length * names.length <= MAX_COMPARED;
  const served = servedBy(rules, isQuick ? names : []);
  for (const rule of rules) {
    const { pattern } = rule;
    const denial = denied.find((other) => isWithin(pattern, other) && matchesGlob(other.server, pattern.server));
    if (denial) findings.warning(place(rule), `never decides anything: auth.deny has "${denial.text}"`, 'key');
    else checkCloser(rule, served, findings);
    for (const kind of pattern.kinds) {
      const key = `${kind} ${pattern.server} ${pattern.object}`;
      const twin = twins.get(key);
      if (twin) findings.warning(place(rule), `is about the same as "${twin.text}": callers must pass both`, 'key');
      else twins.set(key, pattern);
    }
  }
}

/** Each configured server's rules, the closest to its name first. */
function servedBy(rules: readonly Rule[], names: readonly string[]): ReadonlyMap<string, readonly PermissionPattern[]> {
  const patterns = rules.map(({ pattern }) => pattern).sort((a, b) => closeness(b.server) - closeness(a.server));
  return new Map(names.map((name) => [name, patterns.filter(({ fitsServer }) => fitsServer(name))]));
}

/** A rule for many servers is idle where each of them has a rule of its own for at least as much. */
function checkCloser(rule: Rule, served: ReadonlyMap<string, readonly PermissionPattern[]>, findings: Findings): void {
  const { pattern } = rule;
  const own = closeness(pattern.server);
  if (own === Number.POSITIVE_INFINITY) return;
  const winners = new Set<string>();
  for (const [name, patterns] of served) {
    if (!pattern.fitsServer(name)) continue;
    const winner = patterns.find((other) => closeness(other.server) > own && isWithin(pattern, other));
    if (!winner) return;
    winners.add(`"${winner.text}"`);
  }
  if (winners.size > 0)
    findings.warning(
      place(rule),
      `never decides anything: closer to their servers' names, ${[...winners].join(', ')} come first`,
      'key',
    );
}

/** Whether every object of a pattern is also one of another's, on a server both are about. */
function isWithin(pattern: PermissionPattern, other: PermissionPattern): boolean {
  return pattern.kinds.every((kind) => other.kinds.includes(kind)) && matchesGlob(other.object, pattern.object);
}

function quoted(scopes: readonly string[]): string {
  return scopes.map((scope) => `"${scope}"`).join(', ');
}
