import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GatewayConfig, loadConfig } from '#libs/config';
import { Secret } from '#libs/kernel';
import { UsageError } from '../../client/arguments.js';
import { recordingTerminal } from '../../testing/terminal.js';
import { serversIn } from './client-servers.js';
import { importServers } from './import-servers.js';
import { configurationText, runImport } from './run-import.js';

const PUBLIC = fileURLToPath(new URL('../testing/public-files/', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-import-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The servers of a client's file as the gateway has them in the end; variables have the values that stood there. */
function roundTrip(text: string, name = 'mcp.json', given: Record<string, string> = {}) {
  const imported = importServers(serversIn(text, name));
  const yaml = configurationText(imported, name);
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, yaml);
  const values = imported.variables.map((one) => [one.name, one.value ?? `value-of-${one.name}`]);
  const loaded = loadConfig({ file, env: { HOME: '/home/me', ...Object.fromEntries(values), ...given } });
  if (loaded.kind === 'none') throw new Error('no configuration');
  return { ...imported, yaml, names: imported.variables.map((one) => one.name), servers: plain(loaded.config) };
}

function plain(config: GatewayConfig) {
  const reveal = function (this: Record<string, unknown>, key: string, value: unknown) {
    const own = this[key];
    return own instanceof Secret ? own.reveal() : value;
  };
  return JSON.parse(JSON.stringify(config.proxy.servers, reveal)) as Record<string, Record<string, unknown>>[];
}

/** Of one server with these fields. */
const one = (fields: object, name = 's') => roundTrip(JSON.stringify({ mcpServers: { [name]: fields } }));

describe('files from public documentation come through, and are valid configurations', () => {
  const published = (name: string) => roundTrip(readFileSync(join(PUBLIC, name), 'utf8'), name);

  it('modelcontextprotocol.io: the filesystem server of Claude Desktop', () => {
    const { servers, names, notes } = published('filesystem.jsonc');
    const args = [
      '-y',
      '@modelcontextprotocol/server-filesystem',
      '/Users/username/Desktop',
      '/Users/username/Downloads',
    ];
    expect(servers).toMatchObject([{ name: 'filesystem', type: 'stdio', connection: { command: 'npx', args } }]);
    expect([names, notes]).toEqual([[], []]);
  });

  it('github-mcp-server: the local and the remote server of VS Code, with their inputs', () => {
    const { servers, names, yaml } = published('github.jsonc');
    expect(servers).toMatchObject([
      {
        name: 'github',
        type: 'stdio',
        connection: {
          command: 'docker',
          args: ['run', '-i', '--rm', '-e', 'GITHUB_PERSONAL_ACCESS_TOKEN', 'ghcr.io/github/github-mcp-server'],
          env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'value-of-GITHUB_TOKEN' },
        },
      },
      {
        name: 'github-remote',
        type: 'streamable-http',
        connection: { url: 'https://api.githubcopilot.com/mcp/' },
        auth: { type: 'bearer', token: 'value-of-GITHUB_MCP_PAT' },
      },
    ]);
    expect(names).toEqual(['GITHUB_TOKEN', 'GITHUB_MCP_PAT']);
    expect(yaml).toMatch(
      /^# Imported from github\.jsonc\.\n# Needs in its environment: GITHUB_TOKEN, GITHUB_MCP_PAT\.\n/,
    );
  });

  it('cursor.com: a program and a URL', () => {
    const { servers, names } = published('cursor.jsonc');
    expect(servers).toMatchObject([
      { name: 'server-name', connection: { command: 'npx', args: ['-y', 'mcp-server'], env: { API_KEY: 'value' } } },
      {
        name: 'remote',
        type: 'streamable-http',
        connection: { url: 'http://localhost:3000/mcp' },
        auth: { type: 'header', header: 'API_KEY', value: 'value' },
      },
    ]);
    expect(names).toEqual(['API_KEY']);
  });

  it('developers.openai.com: the tables of Codex', () => {
    const { servers, names, notes } = published('codex.toml');
    expect(servers).toMatchObject([
      { name: 'context7', connection: { command: 'npx', env: { MY_ENV_VAR: 'MY_ENV_VALUE' } } },
      {
        name: 'figma',
        enabled: false,
        connection: { url: 'https://mcp.figma.com/mcp', timeout: 90_000 },
        auth: { type: 'bearer', token: 'value-of-FIGMA_OAUTH_TOKEN' },
      },
    ]);
    expect(names).toContain('FIGMA_OAUTH_TOKEN');
    expect(notes).toEqual([expect.stringContaining('header X-Figma-Region is left out')]);
  });
});

describe('secrets', () => {
  const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
  const HEX = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';

  it.each<[string, object, string[], string[]]>([
    [
      'env',
      { command: 'x', env: { API_TOKEN: HEX, LOG_LEVEL: 'debug', DATA: '/var/lib/x', N: '3' } },
      [HEX],
      ['API_TOKEN'],
    ],
    [
      'a bearer header',
      { url: 'https://a.example/mcp', headers: { authorization: `bearer ${JWT}` } },
      [JWT],
      ['S_TOKEN'],
    ],
    ['another header', { url: 'https://a.example/mcp', headers: { 'X-Api-Key': HEX } }, [HEX], ['S_X_API_KEY']],
    [
      'basic credentials',
      { url: 'https://a.example/mcp', headers: { Authorization: 'Basic bWU6c2VjcmV0' } },
      ['bWU6c2VjcmV0'],
      ['S_AUTHORIZATION'],
    ],
    ['an argument after its flag', { command: 'x', args: ['--api-key', 'hunter2', '-y'] }, ['hunter2'], ['S_API_KEY']],
    ['an argument with its flag', { command: 'x', args: ['--token=hunter2', '--port=3'] }, ['hunter2'], ['S_TOKEN']],
    ['a variable of docker', { command: 'docker', args: ['run', '-e', `KEY=${HEX}`, 'img'] }, [HEX], ['S_KEY']],
    [
      'a header among arguments',
      { command: 'x', args: ['--header', `Authorization: Bearer ${HEX}`] },
      [HEX],
      ['S_AUTHORIZATION'],
    ],
    ['a connection string', { command: 'x', args: ['postgresql://me:hunter2@db/app'] }, ['hunter2'], ['S_URL']],
    ['a token alone', { command: 'x', args: ['ghp_abcdefghij'] }, ['ghp_abcdefghij'], ['S_TOKEN']],
    ['a parameter of a URL', { url: `https://a.example/mcp?api_key=${HEX}&v=1` }, [HEX], ['S_API_KEY']],
    ['a piece of a URL', { url: `https://a.example/s/${HEX}/mcp` }, [HEX], ['S_URL_TOKEN']],
  ])('in %s become variables, and nothing else does', (_, fields, secrets, names) => {
    const { yaml, names: found, servers } = one(fields);
    for (const secret of secrets) expect(yaml).not.toContain(secret);
    expect(found).toEqual(names);
    // Put back, every value is where it was.
    const before = JSON.stringify(fields);
    const after = JSON.stringify(servers[0]);
    for (const secret of secrets) expect([before.includes(secret), after.includes(secret)]).toEqual([true, true]);
    const { command, args, env, url } = fields as Record<string, unknown>;
    const given = Object.fromEntries(
      Object.entries({ command, args, env, url }).filter(([, value]) => value !== undefined),
    );
    expect(servers[0]?.['connection']).toMatchObject(given);
  });

  it('of the same name and other values get names of their own, equal ones share', () => {
    const server = (value: string) => ({ command: 'x', env: { API_KEY: value } });
    const { names, servers } = roundTrip(
      JSON.stringify({ mcpServers: { a: server('1a'), b: server('2b'), c: server('1a') } }),
    );
    expect(names).toEqual(['API_KEY', 'B_API_KEY']);
    expect(servers.map((each) => each['connection']?.['env'])).toEqual([
      { API_KEY: '1a' },
      { API_KEY: '2b' },
      { API_KEY: '1a' },
    ]);
  });
});

describe('what a file refers to', () => {
  it.each([
    ['${TOKEN}', ['TOKEN'], 'value-of-TOKEN'],
    ['${env:TOKEN}', ['TOKEN'], 'value-of-TOKEN'],
    ['$TOKEN', ['TOKEN'], 'value-of-TOKEN'],
    ['${input:api-token}', ['API_TOKEN'], 'value-of-API_TOKEN'],
    ['${LEVEL:-debug}', [], 'debug'],
    ['${userHome}/data', [], '/home/me/data'],
    ['${workspaceFolder}/data', ['WORKSPACE_FOLDER'], 'value-of-WORKSPACE_FOLDER/data'],
  ])('%s stays a reference', (value, names, resolved) => {
    const found = one({ command: 'x', env: { THING: value }, args: [value] });
    expect(found.names).toEqual(names);
    expect(found.servers[0]?.['connection']).toMatchObject({ env: { THING: resolved }, args: [resolved] });
  });
});

describe('servers', () => {
  it('get names that a gateway takes, and it is said which', () => {
    const names = ['My Server', 'mcp', '2fast', 'Größe', 'x'.repeat(40), 'my_server', '_', 'kept'];
    const mcpServers = Object.fromEntries(names.map((name) => [name, { command: 'x' }]));
    const { servers, notes } = roundTrip(JSON.stringify({ mcpServers }));
    expect(servers.map(({ name }) => name).sort()).toEqual(
      ['my-server', 'mcp-2', 'server-2fast', 'gro-e', 'x'.repeat(30), 'my-server-2', 'server', 'kept'].sort(),
    );
    expect(notes).toHaveLength(7);
    expect(notes).toContain("'My Server' is called my-server here: names are short, lower case, and unique");
  });

  it.each([
    [{ url: 'https://a.example/sse' }, 'sse'],
    [{ url: 'https://a.example/sse', type: 'http' }, 'streamable-http'],
    [{ url: 'https://a.example/mcp', type: 'sse' }, 'sse'],
    [{ serverUrl: 'https://a.example/mcp' }, 'streamable-http'],
    [{ httpUrl: 'https://a.example/mcp' }, 'streamable-http'],
  ])('%j is reached over %s', (fields, type) => {
    expect(one(fields).servers[0]).toMatchObject({ type });
  });

  it('behind mcp-remote are reached without it', () => {
    const args = ['-y', 'mcp-remote@latest', 'https://a.example/mcp', '--header', 'Authorization: Bearer ${TOK}'];
    const { servers, notes, names } = one({ command: 'npx', args });
    expect(servers[0]).toMatchObject({
      type: 'streamable-http',
      connection: { url: 'https://a.example/mcp' },
      auth: { type: 'bearer', token: 'value-of-TOK' },
    });
    expect([names, notes]).toEqual([['TOK'], [expect.stringContaining('mcp-remote is left out')]]);
  });

  it('that are off stay off; what cannot be turned is said', () => {
    const { servers, notes } = roundTrip(
      JSON.stringify({ mcpServers: { off: { command: 'x', disabled: true, alwaysAllow: ['a'] }, empty: {} } }),
    );
    expect(servers).toMatchObject([{ name: 'off', enabled: false }]);
    expect(notes).toEqual([
      expect.stringContaining('alwaysAllow'),
      expect.stringContaining('neither a command nor a URL'),
    ]);
  });
});

describe('import', () => {
  function run(text: string, options: { out?: string; json?: boolean } = {}, name = 'mcp.json') {
    const file = join(folder, name);
    writeFileSync(file, text);
    const { written, terminal } = recordingTerminal();
    return { code: runImport(file, options, terminal), ...written };
  }
  const SECRET = JSON.stringify({ mcpServers: { a: { command: 'x', env: { API_KEY: 'hunter2' } } } });

  it('prints the configuration, and lists variables without their values', () => {
    const { code, out, err } = run(SECRET);
    expect(code).toBe(0);
    expect(out).toContain('API_KEY: ${env:API_KEY}');
    expect(err).toContain('  API_KEY   (env API_KEY of a)');
    expect(`${out}${err}${run(SECRET, { json: true }).out}`).not.toContain('hunter2');
  });

  it('never writes over a file', () => {
    const out = join(folder, 'gateway.yaml');
    expect(run(SECRET, { out }).err).toContain(`mcp-gateway validate --config ${out}`);
    expect(readFileSync(out, 'utf8')).toContain('name: a');
    expect(() => run(SECRET, { out })).toThrow(/is there already/);
  });

  it.each(['{"a":1}', '{"mcpServers":', '{"mcpServers":{"a":1}}'])('says what is wrong with %s', (text) => {
    expect(() => run(text)).toThrow(UsageError);
  });
});
