import {
  ClientCredentialsProvider,
  Client as ClientV2,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { MODERN } from '../support/clients.js';
import { ADMIN, type IdpClient, USER } from '../support/idp.js';
import { Published } from '../support/published.js';
import { http } from '../support/raw.js';
import { Cleanup } from '../support/wait.js';

/** Nobody in any group. */
const STRANGER: IdpClient = { id: 'sam', secret: 'sam-secret-0123456789-abcdefghijkl' };
const TOOLS = ['n8n:read', 'n8n:write', 'n8n:delete', 'n8n:ask', 'n8n:wait'];

const cleanup = new Cleanup();
const clients = new Cleanup();
afterEach(() => clients.close());
afterAll(() => cleanup.close());

/** The official client, which is told the endpoint and its own id and secret, and nothing else. */
async function discovering(published: Published, { id, secret }: IdpClient, era: 'legacy' | 'modern' = 'modern') {
  const mode = era === 'modern' ? { pin: MODERN } : 'legacy';
  const client = new ClientV2({ name: 'published', version: '1' }, { versionNegotiation: { mode } });
  const requests: { method: string; status: number; challenge: string | null }[] = [];
  const authProvider = new ClientCredentialsProvider({
    ...{ clientId: id, clientSecret: secret, expectedIssuer: published.idp.issuer },
  });
  const transport = new StreamableHTTPClientTransport(new URL(published.mcp), {
    authProvider,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (String(url) === published.mcp && init?.method === 'POST') {
        const { method } = JSON.parse(String(init.body)) as { method: string };
        requests.push({ method, status: response.status, challenge: response.headers.get('www-authenticate') });
      }
      return response;
    },
  });
  await client.connect(transport);
  clients.add(client);
  return { client, requests, authProvider };
}

const names = ({ tools }: { tools: readonly { name: string }[] }) => tools.map(({ name }) => name);
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: Error) => error.message,
  );

describe('the published configuration', () => {
  let published: Published;
  beforeAll(async () => {
    published = await Published.start(cleanup, [STRANGER]);
  });
  beforeEach(() => published.upstream.journal.forget());

  it.each(['modern', 'legacy'] as const)('lets an official client find out how to get in (%s)', async (era) => {
    const { client, requests } = await discovering(published, USER, era);
    expect(requests[0]).toMatchObject({ status: 401, challenge: expect.stringMatching(/^Bearer resource_metadata="/) });
    expect(names(await client.listTools())).toEqual(TOOLS);
    const result = await client.callTool({ name: 'n8n:read', arguments: { a: 1 } });
    expect(result.content).toEqual([{ type: 'text', text: 'read was called' }]);
    expect(published.upstream.journal.deeds).toEqual(['tools/call read']);
    const [arrival] = published.upstream.journal.work;
    expect(arrival?.headers['x-n8n-key']).toBe(Published.key);
    expect(arrival?.headers['authorization']).toBeUndefined();
  });

  it('shows the credential of the server in all it asks the server for, and nothing of a client', async () => {
    const { client } = await discovering(published, USER);
    await client.callTool({ name: 'n8n:read' });
    for (const { headers } of published.upstream.journal.arrivals.items) {
      expect(headers['x-n8n-key']).toBe(Published.key);
      expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['authorization']));
    }
  });

  it.each([
    ['an administrator, who has another scope', ADMIN],
    ['somebody in no group', STRANGER],
  ])('shows %s no tool, and calls none', async (_who, somebody) => {
    const { client } = await discovering(published, somebody);
    expect(names(await client.listTools())).toEqual([]);
    const hidden = await refusal(client.callTool({ name: 'n8n:read' }));
    const unknown = await refusal(client.callTool({ name: 'n8n:nothing' }));
    expect(hidden).toContain('Unknown tool: n8n:read');
    expect(hidden.replace('n8n:read', 'n8n:nothing')).toBe(unknown);
    expect(published.upstream.journal.deeds).toEqual([]);
  });

  it('lists only tools: permissions of the short form say nothing of prompts and resources', async () => {
    const { client } = await discovering(published, USER);
    expect((await client.listPrompts()).prompts).toEqual([]);
    expect((await client.listResources()).resources).toEqual([]);
    expect(await refusal(client.getPrompt({ name: 'n8n:greet' }))).toContain('Unknown prompt');
    expect(await refusal(client.readResource({ uri: 'n8n+memo://open' }))).not.toBe('answered');
    expect(published.upstream.journal.deeds).toEqual([]);
  });

  it('takes the token of a client of the first generation', async () => {
    const token = await published.idp.token({ client: USER.id, resource: published.mcp });
    const peer = clients.add(await connect(published.mcp, { headers: { authorization: `Bearer ${token}` } }));
    expect((await peer.tools()).map(({ name }) => name)).toEqual(TOOLS);
    await peer.call('n8n:write');
    expect(published.upstream.journal.deeds).toEqual(['tools/call write']);
    expect(await refusal(peer.call('admin:user_management'))).toContain('Unknown tool: admin:user_management');
    expect(published.upstream.journal.deeds).toEqual(['tools/call write']);
  });

  it('lets nobody in without a token, with one for somebody else, or with one of somebody else', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const elsewhere = published.idp.mint({ aud: 'api://other', groups: ['User'] });
    const foreign = published.idp.mint({
      iss: 'https://evil.example/oauth2/default',
      aud: 'api://default',
      groups: ['User'],
    });
    for (const headers of [{}, ...[elsewhere, foreign].map((token) => ({ authorization: `Bearer ${token}` }))]) {
      expect((await http(published.mcp, { headers, body })).status).toBe(401);
    }
    expect(published.upstream.journal.deeds).toEqual([]);
  });
});

describe('a second file, with one pattern whose scope can be asked for', () => {
  let published: Published;
  beforeAll(async () => {
    published = await Published.start(cleanup, [], (text) =>
      text
        .replace('claims: ["groups"]', 'claims: ["groups", "scope"]')
        .replace(
          '  permissions:\n',
          '    "scope:n8n:write": ["scope:write"]\n  permissions:\n    "n8n:write": { scopes: ["scope:write"], on_deny: challenge }\n',
        ),
    );
  });
  beforeEach(() => published.upstream.journal.forget());

  it.each(['modern', 'legacy'] as const)(
    'has the official client step up by one 403 and one retry (%s)',
    async (era) => {
      const { client, requests, authProvider } = await discovering(published, USER, era);
      expect(names(await client.listTools())).toEqual(TOOLS);
      const before = authProvider.tokens()?.access_token;
      requests.length = 0;
      const result = await client.callTool({ name: 'n8n:write', arguments: {} });
      expect(result.content).toEqual([{ type: 'text', text: 'write was called' }]);
      const calls = requests.filter(({ method }) => method === 'tools/call');
      expect(calls.map(({ status }) => status)).toEqual([403, 200]);
      expect(calls[0]?.challenge).toMatch(/^Bearer error="insufficient_scope", scope="n8n:write", resource_metadata="/);
      expect(authProvider.tokens()?.access_token).not.toBe(before);
      expect(published.upstream.journal.deeds).toEqual(['tools/call write']);
    },
  );

  it('tells a client of the first generation with 403 what its token lacks, and lets in the token that has it', async () => {
    const call = async (scope?: string) => {
      const token = await published.idp.token({ client: USER.id, resource: published.mcp, ...(scope && { scope }) });
      const peer = clients.add(await connect(published.mcp, { headers: { authorization: `Bearer ${token}` } }));
      return peer.call('n8n:write');
    };
    expect(await refusal(call())).toContain('insufficient_scope');
    expect(published.upstream.journal.deeds).toEqual([]);
    expect((await call('n8n:write')).isError).toBeFalsy();
    expect(published.upstream.journal.deeds).toEqual(['tools/call write']);
  });

  it('needs no step for the rest', async () => {
    const { client, requests } = await discovering(published, USER);
    await client.callTool({ name: 'n8n:read' });
    expect(requests.map(({ status }) => status)).not.toContain(403);
    expect(published.upstream.journal.deeds).toEqual(['tools/call read']);
  });
});
