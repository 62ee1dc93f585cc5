import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordingTerminal } from '../testing/terminal.js';
import { runCli } from './cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-broken-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function validate(text: string, ...flags: string[]) {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, text);
  const { written, terminal } = recordingTerminal();
  return { code: await runCli(['validate', '--config', file, ...flags], terminal), file, ...written };
}

interface Broken {
  readonly text: string;
  readonly path: string;
  readonly line: number;
  /** What is wrong. */
  readonly cause: RegExp;
  /** What to do. */
  readonly fix: RegExp;
}

const server = (...lines: string[]) =>
  `proxy:\n  servers:\n    - name: a\n${lines.map((line) => `      ${line}\n`).join('')}`;

/** The commonest ways to break a configuration, each as somebody would. */
const KINDS: Readonly<Record<string, Broken>> = {
  'a tab as indentation': {
    text: 'server:\n\tport: 8082\n',
    path: '$',
    line: 2,
    cause: /no tabs for indentation/,
    fix: /write spaces/,
  },
  'a quotation mark that is not closed': {
    text: 'server:\n  url: "http://localhost:8082\n',
    path: '$',
    line: 3,
    cause: /has no end/,
    fix: /close it there/,
  },
  'the same key twice': {
    text: 'server:\n  port: 8082\n  port: 8083\n',
    path: '$.server.port',
    line: 3,
    cause: /the key "port" stands here twice/,
    fix: /take one away/,
  },
  'a key with a typing error': {
    text: 'proxy:\n  servres: []\n',
    path: '$.proxy.servres',
    line: 2,
    cause: /unknown key/,
    fix: /did you mean servers\?/,
  },
  'a mapping where a list belongs': {
    text: 'proxy:\n  servers:\n    demo: { type: in-process }\n',
    path: '$.proxy.servers',
    line: 3,
    cause: /not a mapping/,
    fix: /must be a list \(each entry starts with "- "\)/,
  },
  'a port out of range': {
    text: 'server:\n  port: 99999\n',
    path: '$.server.port',
    line: 2,
    cause: /not 99999/,
    fix: /a whole number from 0 to 65535/,
  },
  'a word where true or false belongs': {
    text: 'oauth:\n  enabled: "yes"\n',
    path: '$.oauth.enabled',
    line: 2,
    cause: /not "yes"/,
    fix: /must be true or false/,
  },
  'a duration without a unit': {
    text: 'server:\n  shutdown:\n    timeout: 30\n',
    path: '$.server.shutdown.timeout',
    line: 3,
    cause: /not 30/,
    fix: /a duration like 500ms, 30s, 5m or 1h/,
  },
  'a size without a unit of ours': {
    text: 'server:\n  limits:\n    body: 4 mega\n',
    path: '$.server.limits.body',
    line: 3,
    cause: /not "4 mega"/,
    fix: /a size like 512KiB or 4MiB/,
  },
  'a name of a server that no name can be': {
    text: 'proxy:\n  servers:\n    - name: My_Server\n      type: in-process\n      connection: { server: demo }\n',
    path: '$.proxy.servers[0].name',
    line: 3,
    cause: /not "My_Server"/,
    fix: /lower-case letters, digits and "-"/,
  },
  'two servers of one name': {
    text: 'proxy:\n  servers:\n    - { name: demo, type: in-process }\n    - { name: demo, type: in-process }\n',
    path: '$.proxy.servers[1].name',
    line: 4,
    cause: /"demo" is already taken by \$\.proxy\.servers\[0\]\.name/,
    fix: /servers and toolsets share names/,
  },
  'a server without a type': {
    text: 'proxy:\n  servers:\n    - name: demo\n',
    path: '$.proxy.servers[0].type',
    line: 3,
    cause: /is required and not there/,
    fix: /add it/,
  },
  'a transport that there is not': {
    text: server('type: http', 'connection: { url: http://a.example/mcp }'),
    path: '$.proxy.servers[0].type',
    line: 4,
    cause: /there is no transport "http"/,
    fix: /known are in-process, sse, stdio, streamable-http/,
  },
  'a remote server without a URL': {
    text: server('type: streamable-http'),
    path: '$.proxy.servers[0].connection.url',
    line: 3,
    cause: /is required for type streamable-http/,
    fix: /write where the server is, like https:/,
  },
  'a URL without http': {
    text: server('type: streamable-http', 'connection:', '  url: a.example/mcp'),
    path: '$.proxy.servers[0].connection.url',
    line: 6,
    cause: /not "a\.example\/mcp"/,
    fix: /a URL like https:\/\/host\/path/,
  },
  'a child process without a command': {
    text: server('type: stdio'),
    path: '$.proxy.servers[0].connection.command',
    line: 3,
    cause: /is required for type stdio/,
    fix: /write the program/,
  },
  'arguments in one string': {
    text: server('type: stdio', 'connection:', '  command: npx', '  args: -y server'),
    path: '$.proxy.servers[0].connection.args',
    line: 7,
    cause: /not "-y server"/,
    fix: /must be a list/,
  },
  'a variable that is not set': {
    text: server('type: streamable-http', 'connection:', '  url: ${A_URL}'),
    path: '$.proxy.servers[0].connection.url',
    line: 6,
    cause: /the environment variable A_URL, which is not set/,
    fix: /or give a default: \$\{A_URL:-/,
  },
  'a variable that is not closed': {
    text: 'server:\n  url: ${PUBLIC_URL\n',
    path: '$.server.url',
    line: 2,
    cause: /has "\$\{" without a closing "\}"/,
    fix: /write "\$\$\{" for the literal characters/,
  },
  'a credential of which a part is missing': {
    text: server(
      'type: sse',
      'connection: { url: http://a.example/mcp }',
      'auth:',
      '  type: header',
      '  header: x-key',
    ),
    path: '$.proxy.servers[0].auth.value',
    line: 7,
    cause: /is required and not there/,
    fix: /add it/,
  },
  'an identity provider without an issuer': {
    text: 'oauth:\n  enabled: true\n',
    path: '$.oauth.authorization_servers',
    line: 2,
    cause: /while oauth is enabled/,
    fix: /needs at least one issuer/,
  },
  'the organisation of Okta as issuer': {
    text: 'oauth:\n  enabled: true\n  provider: okta\n  authorization_servers:\n    - https://example.okta.com\n',
    path: '$.oauth.authorization_servers[0]',
    line: 5,
    cause: /nobody but Okta can check the access tokens/,
    fix: /a custom authorization server like https:/,
  },
  'a permission without a tool': {
    text: 'auth:\n  permissions:\n    n8n: [user]\n',
    path: '$.auth.permissions.n8n',
    line: 3,
    cause: /must be server:tool/,
    fix: /e\.g\. "n8n:\*"/,
  },
  'a mapping of a claim that nobody may read': {
    text: 'auth:\n  claims: [groups]\n  mappings:\n    "roles:Admin": [admin]\n',
    path: '$.auth.mappings["roles:Admin"]',
    line: 4,
    cause: /auth\.claims has groups/,
    fix: /a claim listed in auth\.claims/,
  },
  'an API key that can be guessed': {
    text: 'api_keys:\n  - name: ci\n    key: short\n',
    path: '$.api_keys[0].key',
    line: 3,
    cause: /at least 32 characters/,
    fix: /openssl rand -base64 32/,
  },
  'any origin': {
    text: 'server:\n  cors:\n    allowed_origins: ["*"]\n',
    path: '$.server.cors.allowed_origins[0]',
    line: 3,
    cause: /would let any web page use this gateway/,
    fix: /list exact origins/,
  },
};

describe('a configuration that is broken by', () => {
  it.each(Object.entries(KINDS))('%s has one problem, with its place, cause and fix', async (_, broken) => {
    const { code, out } = await validate(broken.text, '--json');
    const { problems } = JSON.parse(out) as {
      problems: { path: string; line: number; column: number; message: string }[];
    };
    expect(code).toBe(1);
    expect(problems).toEqual([
      {
        path: broken.path,
        line: broken.line,
        column: expect.any(Number),
        message: expect.stringMatching(broken.cause),
      },
    ]);
    expect(problems[0]?.message).toMatch(broken.fix);
    const { err, file } = await validate(broken.text);
    const lines = err.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(
      `  - ${file}:${broken.line}:${problems[0]?.column}  ${broken.path}: ${problems[0]?.message}`,
    );
  });

  it('several mistakes at once has them all, in the order of the file', async () => {
    const { err } = await validate('server:\n  port: 99999\nlog:\n  level: loud\nproxy:\n  servres: []\n');
    expect(err.match(/gateway\.yaml:\d+/g)).toEqual(['gateway.yaml:2', 'gateway.yaml:4', 'gateway.yaml:6']);
  });
});
