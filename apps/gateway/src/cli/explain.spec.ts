import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordingTerminal } from '../testing/terminal.js';
import { PACKAGE_ROOT } from '../version.js';
import { type ExplainFlags, runExplain } from './explain.js';

const KEY = 'k3y-abcdefghijklmnopqrstuvwxyz0123456789';

const CONFIG = `
oauth: { enabled: true, provider: oidc, authorization_servers: [https://idp.example.com] }
api_keys: [{ name: robot, key: ${KEY}, claims: { groups: [Robots] } }]
auth:
  claims: [groups, scope]
  mappings:
    "groups:Engineering": [n8n-read]
    "groups:Robots": [admin]
    "scope:n8n.write": [n8n-write]
  implies: { admin: [n8n-read, n8n-write] }
  permissions:
    "n8n:*": [n8n-read]
    "n8n:run": { scopes: [n8n-write], on_deny: challenge }
    "n8n:drop": [admin]
    "prompts/n8n:*": { public: true }
    "resources/n8n:file:///*": [n8n-read]
  deny: ["*:drop_all"]
proxy: { servers: [{ name: n8n, type: in-process }] }
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-explain-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function explained(object: string, flags: ExplainFlags, config = CONFIG) {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, config);
  const { written, terminal } = recordingTerminal();
  const code = await runExplain(object, { ...flags, config: file }, terminal);
  return { code, ...written };
}

const jwt = (claims: object) =>
  ['{"alg":"RS256"}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

describe('explain', () => {
  it.each([
    ['n8n:get', { groups: ['Engineering'] }, 0, /allowed/, /n8n:\* needs n8n-read: fulfilled/],
    ['n8n:run', { groups: ['Engineering'] }, 3, /step-up: listed.*scope="n8n\.write"/, /missing n8n-write/],
    ['n8n:run', { scope: 'n8n.write' }, 0, /allowed/, /n8n-write \(mapping scope:n8n\.write\)/],
    ['n8n:drop', { groups: ['Engineering'] }, 4, /hidden/, /overruled +n8n:\*/],
    ['n8n:drop', { groups: ['Robots'] }, 0, /allowed/, /n8n-write \(implied by admin\)/],
    ['n8n:drop_all', { groups: ['Robots'] }, 4, /hidden/, /decided by +deny \*:drop_all/],
    ['prompts/n8n:x', {}, 0, /allowed/, /is public/],
    ['resources/n8n:file:///a:b', { groups: ['Engineering'] }, 0, /allowed/, /resources\/n8n:file:\/\/\/\* needs/],
    ['resources/n8n:https://a', { groups: ['Engineering'] }, 4, /hidden/, /no permission matches/],
    ['n8n:get', { groups: 'Other' }, 4, /hidden/, /scopes +none: no mapping fits/],
  ])('%s for %j ends with %d', async (object, claims, code, outcome, reason) => {
    const told = await explained(object, { claims: JSON.stringify(claims) });
    expect(told.code).toBe(code);
    expect(told.out).toMatch(outcome);
    expect(told.out).toMatch(reason);
  });

  it('prints what docs/permissions.md says it prints', async () => {
    const page = readFileSync(join(PACKAGE_ROOT, 'docs/permissions.md'), 'utf8');
    const [, config = ''] = /## Worked example\n\n```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const [, object = '', claims = ''] = /mcp-gateway explain (\S+) --claims '(.*)'/.exec(page) ?? [];
    const [, printed = ''] = /```text\n([\s\S]*?)```/.exec(page) ?? [];
    expect((await explained(object, { claims }, config)).out).toBe(printed);
  });

  it('tells programs the same', async () => {
    const told = await explained('n8n:run', { claims: '{"groups":["Engineering"]}', json: true });
    expect(JSON.parse(told.out)).toMatchObject({
      object: { kind: 'tool', server: 'n8n', name: 'run' },
      decision: { effect: 'challenge', rule: 'n8n:run', scopes: ['n8n.write'] },
      listed: true,
      grants: [{ scope: 'n8n-read', mappings: ['groups:Engineering'] }],
      rules: [{ pattern: 'n8n:run', missing: ['n8n-write'], unobtainable: [] }],
      overruled: ['n8n:*'],
    });
  });

  it('shows a token to the door that callers come through, and to nobody else', async () => {
    const told = await explained('n8n:run', { token: KEY }, CONFIG.replace('enabled: true', 'enabled: false'));
    expect(told.code).toBe(0);
    expect(told.out).toMatch(/for +robot of urn:mcp-gateway:api-key, by a token that the gateway accepts/);
    expect(told.out + told.err).not.toContain(KEY);
  });

  it('decodes a token that the door refuses, and says that nobody vouches for it', async () => {
    const token = jwt({ groups: ['Engineering'] });
    const told = await explained('n8n:get', { token }, CONFIG.replace('enabled: true', 'enabled: false'));
    expect(told.code).toBe(0);
    expect(told.out).toMatch(/the token's claims, unverified; the gateway would not accept it: /);
    expect(told.out + told.err).not.toContain(token);
    const open = await explained('n8n:get', { token }, 'auth: { deny: ["n8n:x"] }');
    expect(open.out).toMatch(/would not accept it: it asks nobody for tokens/);
  });

  it.each<[string, ExplainFlags, RegExp]>([
    ['n8n', {}, /'n8n' names nothing; write server:tool/],
    ['n8n:', {}, /names nothing/],
    [':x', {}, /names nothing/],
    ['things/n8n:x', {}, /names nothing/],
    ['n8n:x', { claims: '[1]' }, /must be a JSON object/],
    ['n8n:x', { claims: '{' }, /not valid JSON/],
    ['n8n:x', { claims: '{}', token: 'x' }, /exclude each other/],
  ])('refuses %s %j', async (object, flags, message) => {
    await expect(explained(object, flags)).rejects.toThrow(message);
  });

  it('says so when no such server is configured', async () => {
    expect((await explained('elsewhere:x', {})).err).toContain("no server 'elsewhere' is configured");
  });
});

describe('a tool that clients see under another name', () => {
  const renamed = CONFIG.replace(
    'type: in-process }',
    'type: in-process, tools: { overrides: { run: { name: start } } } }',
  );

  it('is decided by its own name, and the note says what clients see', async () => {
    const { code, err } = await explained('n8n:run', { claims: '{"scope":"n8n.write"}' }, renamed);
    expect([code, err]).toEqual([0, "note: clients see it as 'start' (tools.overrides)\n"]);
  });

  it('is named when its shown name was asked about', async () => {
    const { err } = await explained('n8n:start', { claims: '{}' }, renamed);
    expect(err).toBe("note: 'start' is what clients see of n8n:run (tools.overrides); ask about that\n");
  });

  it('is none for other tools, nor for prompts of the name', async () => {
    expect((await explained('n8n:stop', { claims: '{}' }, renamed)).err).toBe('');
    expect((await explained('prompts/n8n:start', { claims: '{}' }, renamed)).err).toBe('');
  });
});
