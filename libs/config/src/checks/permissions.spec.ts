import { describe, expect, it } from 'vitest';
import { loadText, problemLines } from '../testing/load-text.js';

const SERVERS =
  'proxy: { servers: [{ name: n8n, type: in-process }, { name: crm, type: in-process }] }\n' +
  'oauth: { enabled: true, authorization_servers: [https://idp.example.com] }\n';
const MAPPED = 'claims: [groups, scope], mappings: { "groups:A": [a], "groups:B": [b], "scope:w": [w] }';

const warnings = (auth: string, rest = SERVERS) =>
  loadText(`${rest}auth: { ${MAPPED}, ${auth} }`).warnings.map(({ path, message }) => `${path}: ${message}`);

describe('permissions', () => {
  it('that make sense are no reason for a word', () => {
    expect(
      warnings(
        'permissions: { "n8n:*": [a], "n8n:x*": [b], "*:y": [a], "crm:z": { scopes: [w], on_deny: challenge }, "prompts/*:*": { public: true } }, deny: ["n8n:drop"], options: { default_scope: a }',
      ),
    ).toEqual([]);
  });

  it.each([
    ['permissions: { "n8n:*": [c] }', /"n8n:\*"\]: no mapping grants "c", so nobody may use/],
    ['permissions: { "n8n:*": { scopes: [a, c], mode: all } }', /no mapping grants "c"/],
    ['permissions: { "n8n:*": { scopes: [a], public: true } }', /its scopes mean nothing/],
    ['permissions: { "n8n:*": { scopes: [a], on_deny: challenge } }', /works as hide: no client can ask for "a"/],
    ['permissions: { "n8n:*": [a] }, options: { default_scope: c }', /default_scope: no mapping grants "c"/],
    // never decide
    ['permissions: { "n8n:x": [a] }, deny: ["*:x*"]', /"n8n:x"\]: never decides anything: auth\.deny has "\*:x\*"/],
    ['permissions: { "n8n:*": [a] }, deny: ["*/n8n:*"]', /never decides anything: auth\.deny/],
    ['permissions: { "n*:x": [a], "n8n:*": [b] }', /"n\*:x"\]: never decides anything: closer.*"n8n:\*" come first/],
    ['permissions: { "*:x": [a], "n8n:*": [b], "crm:*": [b] }', /"\*:x"\]: never decides.*"n8n:\*", "crm:\*"/],
    ['permissions: { "*:*": [a], "*m:*": [b], "n*:*": [a], "c*:*": [a] }', /"\*m:\*"\]: never decides.*"c\*:\*"/],
    // say it twice
    ['permissions: { "n8n:x": [a], "tools/n8n:x": [b] }', /"tools\/n8n:x"\]: is about the same as "n8n:x"/],
    ['permissions: { "n8n:*": [a], "n8n:**": [b] }', /is about the same as "n8n:\*": callers must pass both/],
  ])('are doubted: %s', (auth, message) => {
    const told = warnings(auth);
    expect(told.join('\n')).toMatch(message);
  });

  it.each([
    'permissions: { "*:x": [a], "n8n:*": [b] }',
    'permissions: { "n*:x": [a], "prompts/n8n:*": [b] }',
    'permissions: { "n*:x*": [a], "n8n:x": [b] }',
    'permissions: { "n8n:*": [a] }, deny: ["n8n:x*"]',
    'permissions: { "*/n8n:*": [a] }, deny: ["prompts/n8n:*"]',
    'permissions: { "*:x": [a] }, deny: ["n8n:x"]',
  ])('are not doubted while they can decide something: %s', (auth) => {
    expect(warnings(auth).join('\n')).not.toContain('never decides');
  });

  it('are missed where callers authenticate, with the line to add', () => {
    expect(warnings('deny: []')).toEqual([
      '$.auth.permissions: is empty, so callers authenticate and see nothing. Add what they may use: "n8n:*": ["a"]',
    ]);
    const bare = loadText(SERVERS).warnings.map(({ message }) => message);
    expect(bare).toEqual([expect.stringContaining('"n8n:*": { public: true }')]);
  });

  it('are doubted where nobody authenticates', () => {
    const open = SERVERS.split('\n')[0] ?? '';
    const told = warnings('permissions: { "n8n:*": { scopes: [a], on_deny: challenge } }', `${open}\n`).join('\n');
    expect(told).toContain('$.auth.permissions: nobody can have scopes without oauth and api_keys');
    expect(told).toContain('on_deny: works as hide: without oauth');
    expect(warnings('deny: ["n8n:x"]', `${open}\n`)).toEqual([]);
  });

  it('are no more than 5,000, together with denials', () => {
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `"n8n:t${i}": [a]`).join(', ');
    const problems = (auth: string) => problemLines(`${SERVERS}auth: { ${MAPPED}, ${auth} }`).join('\n');
    expect(problems(`permissions: { ${lines(5_001)} }`)).toMatch(/auth\.permissions: .*5001 patterns.*at most 5000/);
    expect(problems(`permissions: { ${lines(5_000)} }, deny: ["n8n:x"]`)).toMatch(/at most 5000/);
    expect(warnings(`permissions: { ${lines(5_000)} }`)).toEqual([]);
  });
});

describe('T092: a pattern', () => {
  it.each([
    ['*', /must be server:tool/],
    ['n8n*', /must be server:tool/],
    ['n8n:', /must be server:tool/],
    [':x', /must be server:tool/],
    ['N8N:x', /cannot be a server's name/],
    [`n8n:${'*a'.repeat(9)}`, /not have more than 8/],
    [`n8n:${'a'.repeat(300)}`, /longer than 256/],
    ['things/n8n:x', /"things\/" must be one of tools\/, prompts\//],
    ['completions/n8n:x', /must be one of/],
    ['n8n:a\\nb', /control characters/],
  ])('%j is refused', (pattern, message) => {
    const yaml = JSON.stringify(pattern).replace('\\\\n', '\\n');
    expect(problemLines(`${SERVERS}auth: { permissions: { ${yaml}: [a] } }`).join('\n')).toMatch(message);
    expect(problemLines(`${SERVERS}auth: { deny: [${yaml}] }`).join('\n')).toMatch(message);
  });

  it.each(['n8n:**', 'n8n:a b', '*:*', 'n8*:*', '*/n8n:*', 'resources/n8n:https://x/y?z=1', 'n8n:a:b/c'])(
    '%j is taken',
    (pattern) => {
      expect(Object.keys(loadText(`auth: { permissions: { "${pattern}": [a] } }`).config.auth.permissions)).toEqual([
        pattern,
      ]);
    },
  );
});
