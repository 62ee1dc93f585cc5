import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configKeys } from '#libs/config';
import { ERRORS } from '#libs/kernel';
import { ROOT } from '../support/processes.js';
import { PAGES, pageAt } from './pages.js';

const KEYS = configKeys()
  .flatMap(({ key, variant }) => (variant ? [key, `${variant.of}.type`] : [key]))
  .map((key) => key.replaceAll('[]', ''));
/** Every key and what it lies in, and the ends of each: `connection.timeout`, `.timeout` of `proxy.servers.connection`. */
const PATHS = new Set(
  KEYS.flatMap((key) => {
    const steps = key.split('.');
    return steps.flatMap((_step, from) =>
      steps.slice(from).map((_s, to) => steps.slice(from, from + to + 1).join('.')),
    );
  }),
);
const SECTIONS = new Set(
  KEYS.flatMap((key) => key.split('.').slice(0, -1)).filter((step) => !/^(?:\*|options)$/.test(step)),
);

/** Free keys of the operator's (`proxy.toolsets.notes`) stand for `*`. */
function isKey(name: string): boolean {
  const steps = name
    .replaceAll('[]', '')
    .replace(/"[^"]*"|<[^>]*>/g, '*')
    .split('.');
  return PATHS.has(steps.join('.')) || steps.some((_step, at) => PATHS.has(steps.with(at, '*').join('.')));
}

/** Spans of code that are spelled like a path into the configuration. */
function keysNamedIn(prose: string): readonly string[] {
  return [...prose.matchAll(/`([a-z_]+(?:\[\])?(?:\.(?:[a-z_*]+|"[^"]*"|<[^>]*>)(?:\[\])?)+)(?::[^`]*)?`/g)]
    .map(([, name = '']) => name)
    .filter((name) => SECTIONS.has(name.split(/[.[]/)[0] ?? ''));
}

/** Provider blocks are the providers', not the grammar's: their keys stand in a table of their own. */
const OF_PROVIDERS = /^oauth\.(?:oidc|entra|google|keycloak|auth0|cognito)\./;
/** What looks like a key and is another thing. */
const NOT_KEYS = /\.(?:md|ts|js|mjs|json|jsonl|yaml|toml|spec)$/;

describe('keys of the configuration that pages name', () => {
  it.each(PAGES.map((page) => [page.path, page] as const))('exist: %s', (_path, { prose }) => {
    const unknown = keysNamedIn(prose).filter(
      (name) => !isKey(name) && !OF_PROVIDERS.test(name) && !NOT_KEYS.test(name),
    );
    expect(unknown).toEqual([]);
  });

  it('would be missed', () => {
    expect(keysNamedIn('`server.limits.body`, `server.prot`, `proxy.clients."x".tolerate: []`, `a.b`')).toEqual([
      'server.limits.body',
      'server.prot',
      'proxy.clients."x".tolerate',
    ]);
    expect(
      ['server.limits.body', 'connection.timeout', 'proxy.clients."x".tolerate', 'proxy.toolsets.notes'].every(isKey),
    ).toBe(true);
    expect(isKey('server.prot')).toBe(false);
  });
});

function sources(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && !name.includes('testing/'))
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'))
    .join('\n');
}

describe('metrics that pages name', () => {
  const METRIC = /\bmcp_gateway_[a-z_]+[a-z]\b/g;
  const defined = new Set(sources('libs/metrics/src').match(METRIC));
  const documented = new Set(pageAt('docs/operations.md').prose.match(METRIC));
  const plain = (name: string) => name.replace(/_(?:bucket|sum|count)$/, '');

  it.each(PAGES.map((page) => [page.path, page] as const))('exist: %s', (_path, { prose, blocks }) => {
    const named = [prose, ...blocks.map(({ text }) => text)].flatMap((text) => text.match(METRIC) ?? []);
    expect(named.filter((name) => !defined.has(name) && !defined.has(plain(name)))).toEqual([]);
  });

  it('are all in docs/operations.md', () => {
    expect(defined.size).toBeGreaterThan(20);
    expect([...defined].filter((name) => !documented.has(name))).toEqual([]);
  });
});

describe('error codes that pages name', () => {
  const known = new Set(Object.keys(ERRORS));
  /** Spelled like a code and standing behind a word that makes it one, or linked to its section. */
  const CODE = /`([A-Z]{3,}(?:_[A-Z]+)+)`/g;
  /** Variables of the environment. */
  const VARIABLE = /^(?:MCP_GATEWAY|OKTA|OTEL|N8N|GITHUB|AUTH0|NO_COLOR|NODE|MEMORY|TEST|ROLLING|VAULT|CODEX|GW)_?/;

  it.each(PAGES.map((page) => [page.path, page] as const))('exist: %s', (_path, { prose }) => {
    const named = [...prose.matchAll(CODE)].map(([, name = '']) => name).filter((name) => !VARIABLE.test(name));
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
