import { matchesGlob } from '#libs/kernel';
import { serverOfPattern } from '../access/pattern.js';
import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';

/** Rules that limit nothing, or nobody. */
export function checkRateLimits({ rate_limit, proxy }: GatewayConfig, findings: Findings): void {
  const names = proxy.servers.map(({ name }) => name).filter((name) => name !== undefined);
  rate_limit.forEach(({ match, limit, burst, concurrency }, index) => {
    const place = ['rate_limit', index];
    if (limit === null && concurrency === null && findings.sound(place))
      findings.problem(place, 'needs limit or concurrency');
    if (burst !== null && limit === null) findings.warning([...place, 'burst'], 'means nothing without limit');
    if (match === null) return;
    const server = serverOfPattern(match);
    if (!names.some((name) => matchesGlob(server, name)))
      findings.warning([...place, 'match'], `no configured server is called "${server}"`);
  });
}
