import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, IdentityProvider, USER } from '../support/idp.js';
import { ROOT, startProcess } from '../support/processes.js';
import { Cleanup, until } from '../support/wait.js';

const RESOURCE = 'http://localhost:8082/mcp';

const cleanup = new Cleanup();
let idp: IdentityProvider;
let file: string;

beforeAll(async () => {
  idp = cleanup.add(await IdentityProvider.start());
  idp.serve(RESOURCE);
  const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-explain-'));
  cleanup.run(() => rmSync(folder, { recursive: true, force: true }));
  file = join(folder, 'config.yaml');
  const config = {
    server: { url: 'http://localhost:8082' },
    oauth: { enabled: true, provider: 'oidc', authorization_servers: [idp.issuer] },
    auth: {
      claims: ['groups'],
      mappings: { 'groups:Admin': ['admin'], 'groups:User': ['user'] },
      permissions: { 'n8n:*': ['user'], 'admin:*': ['admin'] },
    },
  };
  writeFileSync(file, JSON.stringify(config));
});
afterAll(() => cleanup.close());

async function explain(object: string, token: string) {
  const args = [join(ROOT, 'bin/mcp-gateway.js'), 'explain', object, '--config', file];
  const command = cleanup.add(startProcess(args, { MCP_GATEWAY_TOKEN: token }));
  await until('explain ends', () => command.child.exitCode !== null);
  return { code: command.child.exitCode, output: command.output() };
}

describe('mcp-gateway explain', () => {
  it('decides about a token that the identity provider vouches for', async () => {
    const [user, admin] = [
      await idp.token({ client: USER.id, resource: RESOURCE }),
      await idp.token({ client: ADMIN.id, resource: RESOURCE }),
    ];
    const shown = await explain('n8n:x', user);
    expect(shown.output).toMatch(/by a token that the gateway accepts/);
    expect([shown.code, shown.output]).toEqual([0, expect.stringContaining('user (mapping groups:User)')]);
    expect(shown.output).not.toContain(user);
    expect((await explain('admin:x', user)).code).toBe(4);
    expect((await explain('admin:x', admin)).code).toBe(0);
  });

  it('says of a token that the gateway would not accept that nobody vouches for it', async () => {
    const foreign = idp.mint({ aud: 'https://elsewhere.example.com', groups: ['User'] });
    const { code, output } = await explain('n8n:x', foreign);
    expect(code).toBe(0);
    expect(output).toMatch(/unverified; the gateway would not accept it: /);
    expect(output).not.toContain(foreign);
  });
});
