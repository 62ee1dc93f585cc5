import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { parse as parseToml } from 'smol-toml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../client/arguments.js';
import { recordingTerminal } from '../testing/terminal.js';
import { type ConnectOptions, runConnect } from './connect.js';
import { CLIENT_NAMES, type ClientName, KNOWN_CLIENTS, type Place } from './known-clients.js';
import { readJson } from './merge-json.js';
import { DOCUMENTED } from './testing/documented-formats.js';

let folder: string;
let place: Place;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-connect-'));
  place = { platform: 'linux', home: join(folder, 'home'), cwd: join(folder, 'project'), env: {} };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const URL = 'http://127.0.0.1:8082/mcp';

function connect(client: ClientName, options: Partial<ConnectOptions> = {}) {
  const { written, terminal } = recordingTerminal();
  const command: ConnectOptions['command'] = ['/opt/node', '/opt/mcp-gateway.js'];
  const now = new Date('2026-11-26T18:30:00Z');
  const code = runConnect(client, { url: URL, name: 'gw', place, command, now, ...options }, terminal);
  return { code, ...written };
}

function fileOf(client: ClientName): string {
  return KNOWN_CLIENTS[client].file(place);
}

function existing(client: ClientName, text: string): string {
  const file = fileOf(client);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const serversIn = (client: ClientName, text: string) => {
  const root = client === 'codex' ? parseToml(text) : readJson(text, client);
  return root[DOCUMENTED[client].section] as Record<string, Record<string, unknown>>;
};

describe.each(CLIENT_NAMES)('connect %s', (client) => {
  it.each([undefined, 'GATEWAY_TOKEN'])(
    'prints what its maker documents (token in %s), and writes nothing',
    (tokenEnv) => {
      const { code, out, err } = connect(client, { tokenEnv });
      expect(code).toBe(0);
      const servers = serversIn(client, out);
      expect(Object.keys(servers)).toEqual(['gw']);
      const ajv = new Ajv({ strict: false });
      expect(ajv.validate(DOCUMENTED[client].entry, servers['gw']), ajv.errorsText()).toBe(true);
      expect(err).toContain(fileOf(client));
      const { reference } = DOCUMENTED[client];
      if (tokenEnv && reference) {
        expect(servers['gw']?.['headers']).toEqual({ Authorization: `Bearer ${reference(tokenEnv)}` });
      }
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('writes a file that was not there, once', () => {
    const file = fileOf(client);
    expect(connect(client, { write: true }).err).toContain(`wrote ${file}`);
    const text = readFileSync(file, 'utf8');
    expect(text).toBe(connect(client, { configFile: join(folder, 'nowhere') }).out);
    expect(text.endsWith('\n')).toBe(true);
    const again = connect(client, { write: true });
    expect(again.err).toContain('has this already');
    expect([readFileSync(file, 'utf8'), readdirSync(dirname(file))]).toEqual([
      text,
      [file.slice(dirname(file).length + 1)],
    ]);
  });

  it('refuses a file it cannot read, with its place, and leaves it alone', () => {
    const file = existing(client, client === 'codex' ? '[a]\nb = \n' : '{\n  "a": [1,\n');
    expect(() => connect(client, { write: true })).toThrow(UsageError);
    expect(() => connect(client, { write: true })).toThrow(
      new RegExp(`${file}:[23]:\\d+ is no (JSON|TOML) .*mend it first`),
    );
    expect(readdirSync(dirname(file))).toHaveLength(1);
  });
});

describe('connect --write into a JSON file', () => {
  const MINE = `{
  // which servers I use
  "inputs": [{ "type": "promptString", "id": "key", "password": true }],
  "servers": {
    "files": { "command": "npx", "args": ["-y", "x"] }, // local
  },
}
`;

  it('shows what changes, keeps comments and everything else, and a backup', () => {
    const file = existing('vscode', MINE);
    const { err } = connect('vscode', { write: true });
    expect(err).toContain(
      '+     "gw": {\n+       "type": "http",\n+       "url": "http://127.0.0.1:8082/mcp"\n+     },',
    );
    expect(err).not.toMatch(/^- /m);
    const backup = `${file}.2026-11-26T18-30-00.bak`;
    expect(err).toContain(`wrote ${file}; the old one is ${backup}`);
    expect(readFileSync(backup, 'utf8')).toBe(MINE);
    const added = '    "gw": {\n      "type": "http",\n      "url": "http://127.0.0.1:8082/mcp"\n    },\n';
    expect(readFileSync(file, 'utf8')).toBe(MINE.replace('    "files"', `${added}    "files"`));
  });

  it('moves the gateway where it was known already, and keeps what somebody added to it', () => {
    const file = existing(
      'cursor',
      '{"mcpServers":{"gw":{"command":"old","args":[],"disabled":true},"b":{"url":"u"}},"c":1}',
    );
    connect('cursor', { write: true, url: 'https://mcp.example.com/mcp' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      mcpServers: { gw: { disabled: true, url: 'https://mcp.example.com/mcp' }, b: { url: 'u' } },
      c: 1,
    });
  });

  it('writes with the tabs and line ends of the file', () => {
    const file = existing('cursor', '{\r\n\t"mcpServers": {\r\n\t\t"a": { "url": "u" }\r\n\t}\r\n}\r\n');
    connect('cursor', { write: true });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(
      '\r\n\t\t"gw": {\r\n\t\t\t"url": "http://127.0.0.1:8082/mcp"\r\n\t\t},\r\n\t\t"a": { "url": "u" }\r\n',
    );
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  it('never writes over an earlier backup, nor turns a link into a file', () => {
    const real = join(folder, 'dotfiles.json');
    const link = existing('cursor', '{}');
    rmSync(link);
    writeFileSync(real, '{"mcpServers":{}}', { mode: 0o600 });
    symlinkSync(real, link);
    connect('cursor', { write: true });
    connect('cursor', { write: true, url: 'http://127.0.0.1:9000/mcp' });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(lstatSync(real).mode & 0o777).toBe(0o600);
    expect(readFileSync(`${real}.2026-11-26T18-30-00.bak`, 'utf8')).toBe('{"mcpServers":{}}');
    expect(readFileSync(`${real}.2026-11-26T18-30-00-2.bak`, 'utf8')).toContain('8082');
  });

  it.each(['{"mcpServers":[]}', '[1]'])('refuses %s', (text) => {
    existing('cursor', text);
    expect(() => connect('cursor', { write: true })).toThrow(/mend it first/);
  });
});

describe('connect --write into a TOML file', () => {
  const MINE = `# my codex
model = "gpt-5" # fast
notes = """
[mcp_servers.gw]
"""

[mcp_servers.files]
command = "npx"
args = [
  "-y",
  "x",
]

# how it runs
[profiles.work]
model = "o3"
`;

  it('adds a table at the end and nothing else', () => {
    const file = existing('codex', MINE);
    connect('codex', { write: true, tokenEnv: 'TOK' });
    expect(readFileSync(file, 'utf8')).toBe(
      `${MINE}\n[mcp_servers.gw]\nurl = "${URL}"\nbearer_token_env_var = "TOK"\n`,
    );
    expect(connect('codex', { write: true, tokenEnv: 'TOK' }).err).toContain('has this already');
  });

  it('changes a table that is there line by line', () => {
    const table = (lines: string) => `model = "x"\n\n[mcp_servers.gw] # ours\n${lines}\n# the rest\n[other]\na = 1\n`;
    const file = existing('codex', table('command = "old"\nenabled = false # for now\nurl = "http://old/mcp"\n'));
    connect('codex', { write: true });
    expect(readFileSync(file, 'utf8')).toBe(table(`enabled = false # for now\nurl = "${URL}"\n`));
  });

  it.each(['mcp_servers = { gw = { command = "x" } }\n', 'mcp_servers = { other = { command = "x" } }\n'])(
    'refuses %s, which a table cannot be merged into',
    (text) => {
      const file = existing('codex', text);
      expect(() => connect('codex', { write: true })).toThrow(/by hand/);
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  it('does not take a text for a table', () => {
    const mine = MINE.replace('[mcp_servers.files]\ncommand = "npx"', `[mcp_servers.gw]\nurl = "http://old/mcp"`);
    const file = existing('codex', mine);
    connect('codex', { write: true });
    expect(readFileSync(file, 'utf8')).toBe(
      mine.replace('http://old/mcp', URL).replace('args = [\n  "-y",\n  "x",\n]\n', ''),
    );
  });

  it('honours CODEX_HOME', () => {
    place = { ...place, env: { CODEX_HOME: join(folder, 'elsewhere') } };
    connect('codex', { write: true });
    expect(readFileSync(join(folder, 'elsewhere/config.toml'), 'utf8')).toContain('[mcp_servers.gw]');
  });
});

describe('connect', () => {
  it('puts a bridge into the file of Claude Desktop, where macOS and Windows have it', () => {
    const server = serversIn('claude-desktop', connect('claude-desktop', { tokenEnv: 'TOK' }).out)['gw'];
    expect(server).toEqual({
      command: '/opt/node',
      args: ['/opt/mcp-gateway.js', 'stdio', '--url', URL, '--token-env', 'TOK'],
    });
    place = { ...place, platform: 'darwin' };
    expect(fileOf('claude-desktop')).toContain('home/Library/Application Support/Claude/claude_desktop_config.json');
    place = { ...place, platform: 'win32', env: { APPDATA: 'C:\\Users\\a\\AppData\\Roaming' } };
    expect(fileOf('claude-desktop')).toContain('Roaming');
  });

  it('never takes a token where it wants the name of a variable, nor a URL with a password', () => {
    expect(() => connect('cursor', { tokenEnv: 'eyJhbGciOi.x.y' })).toThrow(/name of a variable/);
    expect(() => connect('cursor', { url: 'https://me:secret@example.com/mcp' })).toThrow(/--token-env/);
    expect(() => connect('cursor', { name: 'my gateway' })).toThrow(/no name for a server/);
  });

  it('reports for programs', () => {
    existing('cursor', '{"mcpServers":{}}');
    const report = JSON.parse(connect('cursor', { write: true, json: true }).out);
    expect(report).toMatchObject({ client: 'cursor', file: fileOf('cursor'), written: true });
    expect(report.backup).toContain('.bak');
    expect(JSON.parse(connect('cursor', { write: true, json: true }).out)).toMatchObject({ written: false, diff: [] });
  });
});
