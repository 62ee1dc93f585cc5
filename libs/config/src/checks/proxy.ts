import { serverOfPattern } from '../fields/formats.js';
import { type Path, showPath } from '../load/path.js';
import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';
import { matchesGlob } from './glob.js';

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
  proxy.servers.forEach(({ name }, index) => claim(name, ['proxy', 'servers', index, 'name'], 'value'));
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
}

function checkPrefixes(servers: GatewayConfig['proxy']['servers'], findings: Findings): void {
  const owners = new Map<string, number>();
  const byName = new Map(servers.map(({ name }, index) => [name, index]));
  servers.forEach(({ name, prefix }, index) => {
    const place = ['proxy', 'servers', index, 'prefix'];
    if (prefix !== null && prefix !== name) {
      const other = byName.get(prefix);
      if (other !== undefined) {
        return findings.problem(
          place,
          `"${prefix}" is the name of another server (${showPath(['proxy', 'servers', other])}); both would answer to it`,
        );
      }
    }
    const effective = prefix ?? name;
    if (effective === undefined) return;
    const owner = owners.get(effective);
    if (owner === undefined) owners.set(effective, index);
    else if (prefix !== null)
      findings.problem(place, `the prefix "${effective}" is already used by ${showPath(['proxy', 'servers', owner])}`);
  });
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
