import type { Catalogue } from '#libs/catalogue';
import type { ProxyConfig } from '#libs/config';
import { canonicalName, type Spelling } from '#libs/kernel';
import { exposedName } from '#libs/mcp';
import { BUILT_IN_PROFILES, spellingFor } from '#libs/proxy';
import { endpointWeights, weightText } from '../token-estimate.js';
import { type Finding, firstFew } from './finding.js';

/** Tools above which Cursor shows a part only, and models choose badly. */
const MANY_TOOLS = 80;

/** How the tools behind `/mcp` are called for the clients that are known to have limits, and what they weigh. */
export function catalogueFindings(catalogue: Catalogue, proxy: ProxyConfig): Finding[] {
  return [...nameFindings(catalogue, proxy), ...weightFindings(catalogue, proxy)];
}

function nameFindings(catalogue: Catalogue, proxy: ProxyConfig): Finding[] {
  const clients = [...new Set([...Object.keys(proxy.clients), ...BUILT_IN_PROFILES.map(({ client }) => client)])];
  const bySpelling = new Map<string, { spelling: Spelling; clients: string[] }>();
  for (const client of clients) {
    const { spelling } = spellingFor(client.replace(/\*/g, ''), proxy);
    const key = `${spelling.maxLength} ${spelling.separator}`;
    const known = bySpelling.get(key) ?? { spelling, clients: [] };
    known.clients.push(client);
    bySpelling.set(key, known);
  }
  const findings = [...bySpelling.values()].flatMap((one) => spellingFindings(catalogue, one.spelling, one.clients));
  if (findings.length > 0) return findings;
  const text = `every tool keeps its whole name for all ${clients.length} known clients`;
  return [{ level: 'ok', subject: 'names', text }];
}

function spellingFindings(catalogue: Catalogue, spelling: Spelling, clients: readonly string[]): Finding[] {
  const scope = catalogue.scope({ kind: 'aggregate' });
  const short = scope.lists.tools.items.flatMap(({ entry, item }) => {
    const whole = `${entry.prefix}${spelling.separator}${item.ref.name}`;
    const exposed = exposedName(entry.prefix, item.ref.name, spelling);
    return exposed === whole ? [] : [`${canonicalName(item.ref)} (${whole.length}) is ${exposed}`];
  });
  const lost = scope
    .names('tools', spelling)
    .collisions.map(({ server, name, reason }) => `${server}:${name}: ${reason}`);
  const who = clients.join(', ');
  const docs = 'docs/names.md#clients-that-cannot-take-some-names';
  return [
    ...(short.length === 0
      ? []
      : [
          {
            level: 'note' as const,
            subject: 'names',
            text: `${who} take ${spelling.maxLength} characters, so ${short.length} ${short.length === 1 ? 'name is' : 'names are'} shortened: ${firstFew(short)}`,
            fix: 'a shorter proxy.servers[].prefix keeps them whole',
            docs,
          },
        ]),
    ...(lost.length === 0
      ? []
      : [
          {
            level: 'problem' as const,
            subject: 'names',
            text: `not listed to ${who}: ${firstFew(lost)}`,
            fix: 'choose another prefix or proxy.naming.separator',
            docs,
          },
        ]),
  ];
}

function weightFindings(catalogue: Catalogue, proxy: ProxyConfig): Finding[] {
  const shared = endpointWeights(catalogue, proxy).filter(({ endpoint }) => endpoint.kind !== 'server');
  return shared.map((weight) => {
    const { tools } = weight;
    const text = weightText(weight);
    if (tools <= MANY_TOOLS) return { level: 'ok', subject: 'tokens', text };
    return {
      level: 'note',
      subject: 'tokens',
      text: `${text}; some clients take ${MANY_TOOLS} at most, and models choose worse among many`,
      fix: 'show fewer with proxy.toolsets or tools.include',
      docs: 'docs/configuration.md',
    };
  });
}
