import { afterEach, describe, expect, it } from 'vitest';
import { spawnGateway } from '../support/gateway.js';
import { GATEWAY, IdentityProvider } from '../support/idp.js';
import { modern } from '../support/modern.js';
import { freePort } from '../support/processes.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import type { Answers } from '../support/switchboard.js';
import { IN, OUT, Tokened } from '../support/tokened.js';
import { http } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

/** Far below the 50 MB on offer, and above what the kernel takes on both sides before anybody has read it. */
const MUCH = 16 * 1024 * 1024;

const UNAVAILABLE = { status: 503, deeds: [] };

const FAILURES: readonly [string, Answers][] = [
  ['answers 500', { status: 500 }],
  ['hangs', 'hang'],
  ['leads elsewhere', { redirect: 'http://169.254.169.254/' }],
  ['sends 50 MB', 'huge'],
  ['sends a page', 'html'],
  ['has no list of keys', { body: { keys: 'none' } }],
];

describe('an issuer whose keys', () => {
  it.each(FAILURES)('T015: %s is unavailable, not a reason to log in again', async (_what, answers) => {
    const [idp, upstream] = [cleanup.add(await IdentityProvider.start()), cleanup.add(await RecordingUpstream.start())];
    idp.jwks.answers = answers;
    const port = await freePort();
    const gateway = cleanup.add(
      await spawnGateway(
        {
          servers: [http('rec', upstream.url)],
          sections: {
            oauth: { enabled: true, authorization_servers: [idp.issuer] },
            auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { 'rec:*': ['use'] } },
          },
        },
        { port },
      ),
    );
    const authorization = `Bearer ${idp.mint({ aud: gateway.mcp(), groups: ['User'] })}`;
    const call = () => {
      const params = { name: 'rec:read', arguments: {} };
      const headers = {
        ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'rec:read' },
        authorization,
      };
      return modern(gateway.mcp(), 'tools/call', params, { headers });
    };
    const refused = await call();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers['www-authenticate']).toBeUndefined();
    expect(upstream.journal.deeds).toEqual([]);
    expect(idp.jwks.sent).toBeLessThan(MUCH);
    idp.jwks.answers = 'ok';
    await until('the keys are asked for again', async () => (await call()).status === 200);
    expect(upstream.journal.deeds).toEqual(['tools/call read']);
  });

  it('T015: fail later is trusted with those that are known', async () => {
    const world = await Tokened.start(cleanup);
    world.idp.jwks.answers = { status: 500 };
    expect(await world.present(world.mint())).toMatchObject(IN);
    expect(await world.present(world.mint({}, { kid: 'unknown' }))).toMatchObject(OUT);
    expect(await world.present(world.mint())).toMatchObject(IN);
  });
});

describe('opaque tokens', () => {
  const OPAQUE = {
    oauth: (idp: IdentityProvider) => ({
      introspection: { url: idp.introspectionUrl, client_id: GATEWAY.id, client_secret: GATEWAY.secret },
    }),
  };

  it('T029: are good when their issuer says so in every respect', async () => {
    const world = await Tokened.start(cleanup, OPAQUE);
    const { idp, resource } = world;
    const says = (change: object) => ({
      active: true,
      iss: idp.issuer,
      sub: 'ann',
      aud: resource,
      exp: 9_999_999_999,
      groups: ['User'],
      ...change,
    });
    let count = 0;
    const answered = async (answers: Answers) => {
      idp.introspection.answers = answers;
      return world.present(`opaque-token-${++count}`);
    };
    for (const change of [
      { active: 'true' },
      { active: 1 },
      { aud: undefined },
      { aud: 'x' },
      { sub: '' },
      { cnf: {} },
      { exp: 1 },
    ]) {
      expect(await answered({ body: says(change) })).toMatchObject(OUT);
    }
    for (const answers of [{ status: 500 }, { status: 401 }, 'hang', 'huge', 'html'] as const) {
      expect(await answered(answers)).toMatchObject(UNAVAILABLE);
    }
    expect(idp.introspection.sent).toBeLessThan(MUCH);
    await until('the issuer is asked again', async () => (await answered({ body: says({}) })).status === 200);
    expect(await answered({ body: says({}) })).toMatchObject(IN);
  });

  it('of the provider itself let their holder in, and are never taken for a JWT', async () => {
    const world = await Tokened.start(cleanup, OPAQUE);
    world.idp.serve(world.resource, { format: 'opaque' });
    const token = await world.idp.token({ client: 'ulla', resource: world.resource });
    expect(await world.present(token)).toMatchObject(IN);
    const before = world.idp.introspection.requests;
    expect(await world.present(world.mint({ exp: 1 }))).toMatchObject(OUT);
    expect(world.idp.introspection.requests).toBe(before);
  });
});
