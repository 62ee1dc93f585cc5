import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError, Secret } from '#libs/kernel';
import { loadText, problemLines, problemsOf } from '../testing/load-text.js';
import { configFrom, type LoadedConfig, loadConfig } from './load-config.js';
import { ConfigError } from './problems.js';

const EXAMPLES = join(import.meta.dirname, '../../../../config/examples');
const PUBLISHED_ENV = {
  OKTA_ISSUER: 'https://acme.okta.com/oauth2/default',
  N8N_URL: 'https://n8n.example.com/mcp',
  N8N_PROXY_KEY: 'n8n-key',
};

function example(name: string, env: Record<string, string | undefined> = PUBLISHED_ENV): LoadedConfig {
  const loaded = loadConfig({ file: join(EXAMPLES, name), env });
  if (loaded.kind === 'none') throw new Error('not found');
  return loaded;
}

describe('the published examples', () => {
  it('loads the first one unchanged', () => {
    const { config, warnings } = example('published-1.yaml');
    expect(config.server.url).toBe('http://localhost:8082');
    expect(config.oauth).toMatchObject({
      enabled: true,
      provider: 'okta',
      authorization_servers: [PUBLISHED_ENV.OKTA_ISSUER],
    });
    expect(config.auth.mappings).toEqual({ 'groups:Admin': ['scope:admin'], 'groups:User': ['scope:user'] });
    expect(config.auth.permissions['n8n:*']?.scopes).toEqual(['scope:user']);
    const [n8n] = config.proxy.servers;
    expect(n8n?.connection).toMatchObject({ url: PUBLISHED_ENV.N8N_URL, timeout: 30_000 });
    expect(n8n?.auth).toMatchObject({ type: 'header', header: 'x-n8n-key' });
    expect((n8n?.auth['value'] as Secret | undefined)?.reveal()).toBe('n8n-key');
    expect(warnings.map(({ message }) => message)).toEqual(['no configured server is called "admin"']);
  });

  it('loads the second one unchanged', () => {
    const { config } = example('published-2.yaml', {});
    expect(config.auth.claims).toEqual(['groups', 'roles']);
    expect(config.auth.options).toMatchObject({ scope_mode: 'any', default_scope: null });
    expect(config.proxy.servers).toEqual([]);
  });

  it('names every missing variable with its path and position', () => {
    const text = readFileSync(join(EXAMPLES, 'published-1.yaml'), 'utf8');
    const problems = problemsOf(text);
    expect(problems.map(({ path }) => path)).toEqual([
      '$.oauth.authorization_servers[0]',
      '$.proxy.servers[0].connection.url',
      '$.proxy.servers[0].auth.value',
    ]);
    expect(problems.map(({ message }) => /variable (\w+), which is not set/.exec(message)?.[1])).toEqual([
      'OKTA_ISSUER',
      'N8N_URL',
      'N8N_PROXY_KEY',
    ]);
    const lines = text.split('\n');
    for (const { line = 0, column = 0 } of problems) expect(lines[line - 1]?.slice(column - 1)).toMatch(/^"\$\{/);
  });

  it('names the variable behind an empty secret', () => {
    const text = readFileSync(join(EXAMPLES, 'published-1.yaml'), 'utf8');
    expect(problemLines(text, { env: { ...PUBLISHED_ENV, N8N_PROXY_KEY: '' } })).toEqual([
      '$.proxy.servers[0].auth.value: needs the environment variable N8N_PROXY_KEY, which is empty (or give a default: ${N8N_PROXY_KEY:-...})',
    ]);
  });
});

describe('the other examples', () => {
  it('loads laptop.yaml without a warning', () => {
    expect(example('laptop.yaml', { HOME: '/home/me' }).warnings).toEqual([]);
  });

  it('loads team.yaml once its secrets are there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
    try {
      for (const name of ['session_key', 'tickets_key', 'metrics_token'])
        writeFileSync(join(folder, name), `${name}-0123456789abcdefghijklmnop\n`, { mode: 0o600 });
      const text = readFileSync(join(EXAMPLES, 'team.yaml'), 'utf8').replaceAll('/run/secrets', folder);
      const { config, secretFiles, warnings } = loadText(text, { env: { GITHUB_MCP_TOKEN: 'ghp_x' } });
      expect(config.server.session_key?.reveal()).toBe('session_key-0123456789abcdefghijklmnop');
      expect(secretFiles).toHaveLength(3);
      expect(warnings).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('finding the file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'search-'));
    mkdirSync(join(folder, 'config'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (name: string, port: number) => writeFileSync(join(folder, name), `server: { port: ${port} }\n`);
  const find = (options: { file?: string; env?: Record<string, string> } = {}) => {
    const loaded = loadConfig({ env: {}, cwd: folder, defaults: ['config/config.yaml', 'etc.yaml'], ...options });
    return loaded.kind === 'none' ? loaded.searched : loaded.config.server.port;
  };

  it('takes --config, then the variable, then the usual places', () => {
    put('etc.yaml', 4);
    expect(find()).toBe(4);
    put('config/config.yaml', 3);
    expect(find()).toBe(3);
    put('variable.yaml', 2);
    expect(find({ env: { MCP_GATEWAY_CONFIG: 'variable.yaml' } })).toBe(2);
    put('flag.yaml', 1);
    expect(find({ file: 'flag.yaml', env: { MCP_GATEWAY_CONFIG: 'variable.yaml' } })).toBe(1);
  });

  it('says where it looked when there is none', () => {
    expect(find()).toEqual(['config/config.yaml', 'etc.yaml']);
    expect(find({ env: { MCP_GATEWAY_CONFIG: '', OKTA_ISSUER: '' } })).toEqual(['config/config.yaml', 'etc.yaml']);
  });

  it('refuses to go without one when OKTA_* variables are set', () => {
    expect(() => find({ env: { OKTA_ISSUER: 'https://acme.okta.com' } })).toThrow(GatewayError);
    expect(() => find({ env: { OKTA_ISSUER: 'https://acme.okta.com' } })).toThrow(
      /OKTA_ISSUER is set.*config\/config\.yaml and etc\.yaml/,
    );
  });

  it('does not fall back when the named file is missing, a folder, too large or not text', () => {
    put('config/config.yaml', 3);
    writeFileSync(join(folder, 'big.yaml'), '#'.repeat(1024 * 1024 + 1));
    writeFileSync(join(folder, 'latin.yaml'), Buffer.from('a: \xe9', 'latin1'));
    expect(() => find({ file: 'nope.yaml' })).toThrow(/nope\.yaml has 1 problem\n.*the file does not exist/);
    expect(() => find({ file: 'config' })).toThrow(/is not a regular file|is a folder/);
    expect(() => find({ file: 'big.yaml' })).toThrow(/larger than 1024 KiB/);
    expect(() => find({ file: 'latin.yaml' })).toThrow(/not UTF-8/);
  });
});

describe('problems', () => {
  it('are told all at once, in the order of the file, each with its line and column', () => {
    const text = [
      'server:',
      '  prot: 1',
      '  port: 70000',
      'proxy:',
      '  servers:',
      '    - name: N8N',
      '      type: streamable-http',
      '      connection: { timeout: 30 }',
      '    - name: mcp',
      '      type: stdio',
      'log: { level: loud }',
      '',
    ].join('\n');
    expect(problemsOf(text).map(({ path, line, column }) => `${line}:${column} ${path}`)).toEqual([
      '2:3 $.server.prot',
      '3:9 $.server.port',
      '6:13 $.proxy.servers[0].name',
      '8:19 $.proxy.servers[0].connection.url',
      '8:30 $.proxy.servers[0].connection.timeout',
      '9:7 $.proxy.servers[1].connection.command',
      '9:13 $.proxy.servers[1].name',
      '11:15 $.log.level',
    ]);
  });

  it('stand in the error text with file, position, path and message', () => {
    const failing = () => loadText('server: { port: x }\n');
    expect(failing).toThrow(ConfigError);
    expect(failing).toThrow(
      /config\.yaml has 1 problem\n {2}- .*config\.yaml:1:17 {2}\$\.server\.port: must be a whole number from 0 to 65535, not "x"$/,
    );
  });

  it.each([
    ['serer: {}', 'unknown key; did you mean server?'],
    ['lgo: {}', 'unknown key; did you mean log?'],
    ['api-keys: []', 'unknown key; did you mean api_keys?'],
    ['servers: []', 'unknown key; did you mean server or proxy.servers?'],
    ['zzzzzzzz: 1', /unknown key; known here: server, oauth, /],
  ])('name the nearest known key: %s', (text, message) => {
    expect(problemsOf(text)[0]?.message).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
  });

  it('say what stands where a mapping or a list belongs', () => {
    expect(
      problemLines(
        'server: []\nproxy: { servers: { n8n: {} }, toolsets: [] }\nlog: text\nauth: { mappings: [], claims: groups }',
      ),
    ).toEqual([
      '$.server: must be a mapping (key: value), not a list',
      '$.proxy.servers: must be a list (each entry starts with "- "), not a mapping',
      '$.proxy.toolsets: must be a mapping (key: value), not a list',
      '$.log: must be a mapping (key: value), not "text"',
      '$.auth.mappings: must be a mapping, not a list',
      '$.auth.claims: must be a list, not "groups"',
    ]);
    expect(problemLines('- a')).toEqual(['$: must be a mapping (key: value), not a list']);
  });

  it('never show a secret or what a variable holds', () => {
    const env = { KEY: 'hunter2-hunter2', PORT: 'hunter2' };
    const lines = problemLines('server: { session_key: "${KEY}", port: "${PORT}" }\nmetrics: { token: hunter2 }', {
      env,
    });
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain('hunter2');
    expect(lines.join()).toContain('${PORT}');
  });
});

describe('values', () => {
  it('are the defaults in an empty file, and where nothing follows a key', () => {
    const { config } = loadText('');
    expect(loadText('server:\nproxy:\n  servers:\nauth:\n  deny:\n  permissions:\n').config).toEqual(config);
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8082, session_key: null });
    expect(config.server.limits).toMatchObject({ body: 4_194_304, ask: 600_000, list_cache: 67_108_864 });
  });

  it('are frozen', () => {
    const { config } = loadText('proxy: { servers: [{ name: a, type: in-process }] }');
    expect(() => config.proxy.servers.push(config.proxy.servers[0]!)).toThrow(TypeError);
    expect(() => Object.assign(config.server.limits, { body: 1 })).toThrow(TypeError);
  });

  it('may be overridden by variables, and these by flags', () => {
    const env = { MCP_GATEWAY_HOST: '::1', MCP_GATEWAY_PORT: '1111', MCP_GATEWAY_LOG_LEVEL: 'debug' };
    const { config } = loadText('server: { port: 1 }\n', { env, overrides: { port: '2222', logFormat: 'text' } });
    expect(config.server).toMatchObject({ host: '::1', port: 2222 });
    expect(config.log).toMatchObject({ level: 'debug', format: 'text' });
    expect(problemLines('', { env: { MCP_GATEWAY_PORT: 'x' }, overrides: { logLevel: 'loud' } })).toEqual([
      '$.server.port: must be a whole number from 0 to 65535 (it comes from MCP_GATEWAY_PORT)',
      '$.log.level: must be one of trace, debug, info, warn, error, fatal, silent (it comes from --log-level)',
    ]);
  });

  it('may come from a program', () => {
    const { config, warnings } = configFrom(
      {
        proxy: { servers: [{ name: 'demo', type: 'in-process', connection: { server: 'demo' } }] },
        metrics: { token: 'a-secret-of-more-than-32-characters' },
      },
      { env: {}, overrides: { port: 0 } },
    );
    expect(config.proxy.servers[0]?.connection.server).toBe('demo');
    expect(config.server.port).toBe(0);
    expect(config.metrics.token).toBeInstanceOf(Secret);
    expect(warnings).toEqual([]);
    expect(() => configFrom({ proxy: { server: [] } })).toThrow(/did you mean servers or server\?/);
  });

  it('tolerate a byte order mark and Windows line ends', () => {
    expect(loadText('\uFEFFserver:\r\n  port: 1\r\n').config.server.port).toBe(1);
  });
});
