import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadText, problemLines, problemsOf } from '../testing/load-text.js';

const SERVERS = (entries: string) => `proxy:\n  servers:\n${entries}`;

describe('the YAML dialect', () => {
  it.each([
    [
      'a duplicate key',
      'server: { port: 1 }\nserver: { port: 2 }',
      '$.server: the key "server" stands here twice; take one away',
    ],
    [
      'a duplicate key spelled differently',
      'server: { "port": 1, port: 2 }',
      '$.server.port: the key "port" stands here twice; take one away',
    ],
    [
      'a merge key',
      'server: { <<: { port: 1 } }',
      '$.server["<<"]: merge keys (<<) are not supported; repeat the values',
    ],
    ['a custom tag', 'server: !!js/function "f"', '$: YAML tags are not supported here'],
    ['a binary tag', 'plugins: [!!binary aGk=]', '$: YAML tags are not supported here'],
    [
      'a second document',
      'server: {}\n---\nserver: {}',
      '$: the file has more than one YAML document ("---"); it must have one',
    ],
    ['__proto__', '__proto__: { polluted: true }', '$.__proto__: this key is not allowed'],
    [
      'constructor',
      'server: { constructor: { prototype: { polluted: true } } }',
      '$.server.constructor: this key is not allowed',
    ],
    [
      'prototype below free keys',
      'proxy: { toolsets: { prototype: {} } }',
      '$.proxy.toolsets.prototype: this key is not allowed',
    ],
    ['an unknown alias', 'plugins: [*nowhere]', '$.plugins[0]: no anchor &nowhere stands before this alias'],
    ['a syntax error', 'server: {', /^\$: YAML: /],
    ['a tab as indentation', 'server:\n\tport: 1', /^\$: YAML: /],
  ])('refuses %s', (_name, text, message) => {
    expect(problemLines(text)[0]).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('finds a key given twice at its second place', () => {
    expect(problemsOf('log: {}\nserver: {}\n')).toEqual([]);
    expect(problemsOf('server:\n  port: 1\n  port: 2\n')[0]).toMatchObject({
      path: '$.server.port',
      line: 3,
      column: 3,
    });
  });

  it('reads 1.2 scalars: on, off, yes and no are text', () => {
    const { config } = loadText('proxy: { parking: off }\naudit: { to: off }\nplugins: [yes, no, on]');
    expect(config.proxy.parking).toBe('off');
    expect(config.plugins).toEqual(['yes', 'no', 'on']);
    expect(loadText('proxy: { parking: true }').config.proxy.parking).toBe('on');
  });

  it('expands aliases, and locates problems where the alias stands', () => {
    const text = SERVERS(
      '    - { name: a, type: sse, connection: &c { url: "http://a/" } }\n    - { name: b, type: sse, connection: *c }\n',
    );
    expect(loadText(text).config.proxy.servers[1]?.connection.url).toBe('http://a/');
    const bad = 'server: &s { prot: 1 }\nproxy: *s\n';
    expect(problemsOf(bad).map(({ path, line }) => `${path} ${line}`)).toContain('$.proxy.prot 1');
  });

  it('survives an alias bomb', () => {
    const levels = Array.from({ length: 12 }, (_, index) => {
      const inner = index === 0 ? '"x"' : `*l${index - 1}`;
      return `l${index}: &l${index} [${Array(10).fill(inner).join(', ')}]`;
    });
    expect(problemLines(levels.join('\n')).join()).toMatch(/more than 100 aliases|larger than 50000 values/);
  });

  it('survives an alias to itself', () => {
    expect(problemLines('server: &s { cors: *s }').length).toBeGreaterThan(0);
  });

  it.each([
    ['brackets', '['.repeat(100_000)],
    ['dashes', '- '.repeat(50_000)],
    ['maps', Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('survives deep %s', (_name, text) => {
    expect(problemLines(text).length).toBeGreaterThan(0);
  });

  it('survives very many keys', () => {
    const text = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n');
    expect(problemLines(text).join()).toContain('larger than 50000 values');
  });
});

describe('arbitrary files', () => {
  const grammar = fc.constantFrom(
    ...'server: proxy: oauth: auth: servers: name: type: connection: url: ${A} $${ ${ } { } [ ] - & * ! << | > " \' : , # ? \n \t ~ null true 1 1s 4MiB __proto__ constructor mappings: permissions: toolsets: claims: - 0x1F .inf !!set'.split(
      ' ',
    ),
    '\n',
    '  ',
    ': ',
    '\n  - ',
  );
  const key = fc.constantFrom(
    'server',
    'proxy',
    'servers',
    'auth',
    'oauth',
    'name',
    'type',
    'connection',
    'url',
    'mappings',
    'permissions',
    'claims',
    'api_keys',
    'rate_limit',
    'toolsets',
    'clients',
    'prefix',
    'tools',
    'okta',
    'provider',
    '__proto__',
    'constructor',
    'toString',
  );
  const value = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.double(),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(key, fc.string()), tie('tree'), { maxKeys: 4 }),
    ),
  })).tree;

  it('load or throw a ConfigError, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(grammar, { maxLength: 60 }).map((parts) => parts.join('')),
        ),
        (text) => {
          problemsOf(text);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('load or throw a ConfigError, whatever the structure', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 5 }), (settings) => {
        problemsOf(JSON.stringify(settings));
      }),
      { numRuns: 400 },
    );
  });

  it('load or throw a ConfigError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void problemsOf(Buffer.from(bytes))),
      { numRuns: 200 },
    );
  });
});
