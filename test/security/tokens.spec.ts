import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http } from '../support/raw.js';
import { signingKey } from '../support/signing.js';
import { IN, OUT, Tokened } from '../support/tokened.js';
import { Cleanup } from '../support/wait.js';

const cleanup = new Cleanup();
let world: Tokened;
beforeAll(async () => {
  world = await Tokened.start(cleanup);
});
afterAll(() => cleanup.close());

/** One text for all causes. */
const REFUSAL = {
  code: 'TOKEN_INVALID',
  error: 'invalid_token',
  error_description: 'The access token is invalid',
};

/** Each of these is refused with nothing behind it, in one form; the good token that follows them gets through. */
async function refused(...tokens: string[]): Promise<void> {
  for (const token of tokens) {
    const attempt = await world.present(token);
    expect(attempt).toMatchObject(OUT);
    const { request_id, ...said } = JSON.parse(attempt.text) as Record<string, unknown>;
    expect(request_id).toEqual(expect.any(String));
    expect(said).toEqual(REFUSAL);
    expect(attempt.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", .*resource_metadata="/);
  }
  expect(await world.present(world.mint())).toMatchObject(IN);
}

const now = (seconds = 0): number => Math.floor(Date.now() / 1000) + seconds;

describe('access tokens', () => {
  it('T010: without a signature', async () => {
    const [header, claims] = world.mint().split('.');
    const none = ['none', 'None', 'NONE'].map((alg) => world.mint({}, { alg }));
    // An empty last segment is still one: the token stays a bearer token by its form.
    await refused(...none, `${header}.${claims}.`);
  });

  it('T011: signed with what is public', async () => {
    const { publicKey, publicJwk } = world.idp.keys[0] as (typeof world.idp.keys)[number];
    const pem = publicKey.export({ format: 'pem', type: 'spki' });
    const secrets = [pem, JSON.stringify(publicJwk), Buffer.from(String(publicJwk['n']), 'base64url')];
    await refused(...secrets.map((raw) => world.mint({}, { alg: 'HS256' }, { raw })));
  });

  it('T012: signed by a stranger, who says where his key is', async () => {
    const asked: string[] = [];
    const attacker = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(JSON.stringify({ keys: [stranger.publicJwk] }));
    }).listen(0, '127.0.0.1');
    cleanup.add(attacker);
    await once(attacker, 'listening');
    const url = `http://127.0.0.1:${(attacker.address() as AddressInfo).port}/keys`;
    const stranger = signingKey('rsa-1');
    const forged = (header: object) => world.mint({}, { kid: 'rsa-1', ...header }, { key: stranger });
    await refused(forged({}), forged({ jwk: stranger.publicJwk }), forged({ jku: url }), forged({ x5u: url }));
    expect(asked).toEqual([]);
  });

  it('T013: with key ids that are something else', async () => {
    const kids = [
      '../../etc/passwd',
      "' OR 1=1",
      'k'.repeat(2_000),
      5,
      ['rsa-1'],
      '__proto__',
      'constructor',
      null,
      '',
    ];
    await refused(...kids.map((kid) => world.mint({}, { kid })));
  });

  it('T017: out of their time', async () => {
    const late = { exp: now(-32) };
    await refused(
      ...[late, { nbf: now(40) }, { iat: now(3_600) }, { exp: '9999999999' }, { exp: 1e308 }, { exp: undefined }].map(
        (claims) => world.mint(claims),
      ),
    );
    expect(await world.present(world.mint({ exp: now(-20) }))).toMatchObject(IN);
  });

  it('T018: for somebody else', async () => {
    const { resource } = world;
    const others = [
      undefined,
      'https://other.example',
      `${resource}/`,
      `${resource}2`,
      { a: resource },
      [],
      [5, resource],
    ];
    await refused(...others.map((aud) => world.mint({ aud })));
    expect(await world.present(world.mint({ aud: ['https://other.example', resource] }))).toMatchObject(IN);
  });

  it('T020: that are no access tokens', async () => {
    await refused(
      world.mint({ nonce: 'n', at_hash: 'h' }, { typ: 'JWT' }),
      world.mint({ typ: 'Refresh' }),
      world.mint({ token_use: 'id' }),
      world.mint({}, { typ: 'oauth-id-jag+jwt' }),
      world.mint({}, { typ: 'dpop+jwt' }),
      world.mint({ events: {} }, { typ: 'logout+jwt' }),
      world.mint({}, { typ: undefined }),
    );
  });

  it('T021: about nobody', async () => {
    await refused(...[undefined, '', 5, 's'.repeat(10_000), 'a\nb', {}].map((sub) => world.mint({ sub })));
  });

  it('T022: of another form, or too long', async () => {
    await refused('x.'.repeat(50), 'a.b', 'no-jwt-at-all', `${world.mint()}!`, `${world.mint()}.x`);
    // Beyond what Node reads of a head, its own answer comes first.
    expect(await world.present('x'.repeat(9_000))).toMatchObject(OUT);
    expect(await world.present('x'.repeat(64 * 1024))).toMatchObject({ status: 431, deeds: [] });
  });

  it('T023: with a header that changes what a signature means', async () => {
    const encrypted = `${world.mint().split('.')[0]}.a.b.c.d`;
    await refused(
      world.mint({}, { crit: ['x'] }),
      world.mint({}, { b64: false }),
      world.mint({}, { zip: 'DEF' }),
      encrypted,
    );
  });

  it('T025: in the URL or in a form', async () => {
    const token = world.mint();
    const { mcp, gateway } = world.guarded;
    const inUrl = await http(`${mcp}?access_token=${token}`, { body: '{}' });
    const inBoth = await http(`${mcp}?access_token=${token}`, {
      headers: { authorization: `Bearer ${token}` },
      body: '{}',
    });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const inForm = await http(mcp, { headers: form, body: `access_token=${token}` });
    for (const { status, headers, text } of [inUrl, inBoth, inForm]) {
      expect(status).toBe(400);
      expect(headers['www-authenticate']).toMatch(/^Bearer error="invalid_request"/);
      expect(text).not.toContain(token);
    }
    expect(world.guarded.deeds()).toEqual([]);
    expect(gateway.output()).not.toContain(token.slice(-40));
    expect(await world.present(token)).toMatchObject(IN);
  });

  it('T028: that are bound to a key, presented without it', async () => {
    await refused(world.mint({ cnf: { jkt: 'x' } }), world.mint({ cnf: { 'x5t#S256': 'x' } }), world.mint({ cnf: {} }));
    const bound = world.mint({ cnf: { jkt: 'x' } });
    expect(await world.attempt({ authorization: `DPoP ${bound}`, dpop: 'a.b.c' })).toMatchObject(OUT);
  });

  it('T032: for the server behind', async () => {
    await refused(world.mint({ aud: world.guarded.upstream.url }));
  });

  it('are asked for on every request, GET and DELETE included', async () => {
    const session = await world.guarded.session();
    const anonymous = session.at(session.url, {});
    for (const method of ['POST', 'GET', 'DELETE'] as const) {
      const body = method === 'POST' ? '{}' : undefined;
      const headers = { ...anonymous.headers, accept: 'text/event-stream, application/json' };
      expect((await http(session.url, { method, headers, ...(body && { body }) })).status).toBe(401);
    }
    expect((await session.request('tools/call', { name: 'rec:read', arguments: {} })).status).toBe(200);
    expect(world.guarded.deeds()).toEqual(['tools/call read']);
  });

  it('T014: cost one look for keys, however many name one that nobody has', async () => {
    const [, claims] = world.mint().split('.');
    const header = (kid: string) =>
      Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid })).toString('base64url');
    const before = world.idp.jwks.requests;
    for (let sent = 0; sent < 1_000; sent += 50) {
      const tokens = Array.from({ length: 50 }, (_, at) => `${header(`${sent + at}-${Math.random()}`)}.${claims}.c2ln`);
      const answers = await Promise.all(tokens.map((token) => world.present(token)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    }
    expect(world.idp.jwks.requests - before).toBeLessThanOrEqual(1);
    expect(await world.present(world.mint())).toMatchObject(IN);
  });
});
