import { matchesGlob } from '#libs/kernel';
import { serverOfPattern } from '../access/pattern.js';
import { type Path, showPath } from '../load/path.js';
import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';

/** What the upstreams and toolsets share: names, prefixes, and patterns that name them. */
export function checkProxy({ proxy }: GatewayConfig, findings: Findings): void {
  const owners = new Map<string, Path>();
  const claim = (name: string | undefined, place: Path, part: 'key' | 'value') => {
    if (name === undefined) return;
    const owner = owners.get(name);
    if (owner)
      findings.problem(
        place,
        `the name "${name}" is already taken by ${showPath(owner)}; servers and toolsets share names`,
        part,
      );
    else owners.set(name, place);
  };
  for (const [index, { name }] of proxy.servers.entries()) claim(name, ['proxy', 'servers', index, 'name'], 'value');
  for (const name of Object.keys(proxy.toolsets)) claim(name, ['proxy', 'toolsets', name], 'key');
  checkPrefixes(proxy.servers, findings);
  const names = proxy.servers.map(({ name }) => name).filter((name) => name !== undefined);
  for (const [toolset, { include, exclude }] of Object.entries(proxy.toolsets)) {
    const place = ['proxy', 'toolsets', toolset];
    if (include.length === 0 && findings.sound(place))
      findings.warning(place, 'includes nothing, so it offers nothing');
    warnUnknownServers({ include, exclude }, place, names, findings);
  }
  if (proxy.retry.initial > proxy.retry.max)
    findings.problem(['proxy', 'retry', 'initial'], 'must not be longer than retry.max');
  const children = proxy.servers.filter(({ enabled, type }) => enabled && type === 'stdio').length;
  if (children > proxy.max_children)
    findings.problem(
      ['proxy', 'max_children'],
      `must be at least ${children}: each of so many enabled stdio servers has a child process, and callers may need their own`,
    );
}

function checkPrefixes(servers: GatewayConfig['proxy']['servers'], findings: Findings): void {
  const owners = new Map<string, number>();
  const byName = new Map(servers.map(({ name }, index) => [name, index]));
  for (const [index, { name, prefix }] of servers.entries()) {
    const place = ['proxy', 'servers', index, 'prefix'];
    const namesake = prefix === null || prefix === name ? undefined : byName.get(prefix);
    const effective = prefix ?? name;
    const owner = effective === undefined ? undefined : owners.get(effective);
    if (namesake !== undefined) {
      const other = showPath(['proxy', 'servers', namesake]);
      findings.problem(place, `"${prefix}" is the name of another server (${other}); both would answer to it`);
    } else if (owner !== undefined && prefix !== null) {
      const other = showPath(['proxy', 'servers', owner]);
      findings.problem(place, `the prefix "${prefix}" is already used by ${other}`);
    } else if (effective !== undefined && owner === undefined) owners.set(effective, index);
  }
}

/** Warns about patterns whose server part fits no configured server. */
export function warnUnknownServers(
  lists: Readonly<Record<string, readonly string[]>>,
  place: Path,
  names: readonly string[],
  findings: Findings,
): void {
  for (const [key, patterns] of Object.entries(lists)) {
    patterns.forEach((pattern, index) => {
      const server = serverOfPattern(pattern);
      if (!names.some((name) => matchesGlob(server, name)))
        findings.warning([...place, key, index], `no configured server is called "${server}"`);
    });
  }
}
