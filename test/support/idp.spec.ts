import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, GATEWAY, IdentityProvider, USER } from './idp.js';

const RESOURCE = 'http://127.0.0.1:8082/mcp';

describe('the identity provider of the tests', () => {
  let idp: IdentityProvider;
  beforeAll(async () => {
    idp = (await IdentityProvider.start()).serve(RESOURCE).serve(`${RESOURCE}/opaque`, { format: 'opaque' });
  });
  afterAll(() => idp.close());

  it.each([ADMIN, USER])('issues access tokens with audience, scopes and groups to $id', async ({ id, claims }) => {
    const token = await idp.token({ client: id, resource: RESOURCE, scope: 'n8n:read' });
    const keys = createRemoteJWKSet(new URL(idp.jwksUri));
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: idp.issuer, audience: RESOURCE });
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'at+jwt', kid: 'rsa-1' });
    expect(payload).toMatchObject({ sub: id, client_id: id, scope: 'n8n:read', ...claims });
  });

  it('issues opaque tokens, says what they are, and ends them', async () => {
    const token = await idp.token({ resource: `${RESOURCE}/opaque`, scope: 'admin' });
    expect(token).not.toContain('.');
    const ask = async () => {
      const headers = { authorization: `Basic ${Buffer.from(`${GATEWAY.id}:${GATEWAY.secret}`).toString('base64')}` };
      const body = new URLSearchParams({ token });
      return (await fetch(idp.introspectionUrl, { method: 'POST', body, headers })).json();
    };
    expect(await ask()).toMatchObject({ active: true, aud: `${RESOURCE}/opaque`, scope: 'admin', groups: ['Admin'] });
    await idp.revoke(token);
    expect(await ask()).toEqual({ active: false });
  });

  it('mints tokens with its own keys, and rotates these', async () => {
    const verified = async (token: string) =>
      (await jwtVerify(token, createRemoteJWKSet(new URL(idp.jwksUri)))).protectedHeader.kid;
    const before = idp.mint({ aud: RESOURCE });
    expect(await verified(before)).toBe('rsa-1');
    idp.rotate('rsa-2');
    expect(await verified(idp.mint())).toBe('rsa-2');
    expect(await verified(await idp.token({ resource: RESOURCE }))).toBe('rsa-2');
    idp.retire('rsa-1');
    await expect(verified(before)).rejects.toThrow(/no applicable key/);
  });

  it('may have a path, and metadata in both places', async () => {
    const mounted = (await IdentityProvider.start({ path: '/oauth2/default' })).serve(RESOURCE);
    const { origin } = new URL(mounted.issuer);
    expect(mounted.issuer).toBe(`${origin}/oauth2/default`);
    for (const url of [
      `${mounted.issuer}/.well-known/openid-configuration`,
      `${origin}/.well-known/oauth-authorization-server/oauth2/default`,
    ]) {
      expect(await (await fetch(url)).json()).toMatchObject({ issuer: mounted.issuer, jwks_uri: mounted.jwksUri });
    }
    const keys = createRemoteJWKSet(new URL(mounted.jwksUri));
    const { payload } = await jwtVerify(await mounted.token({ resource: RESOURCE }), keys);
    expect(payload.iss).toBe(mounted.issuer);
    expect((await fetch(`${origin}/token`)).status).toBe(404);
    await mounted.close();
  });

  it('can be made to fail, and counts', async () => {
    const before = idp.jwks.requests;
    idp.jwks.answers = { status: 500 };
    expect((await fetch(idp.jwksUri)).status).toBe(500);
    idp.jwks.answers = 'html';
    expect(await (await fetch(idp.jwksUri)).text()).toMatch(/html/);
    idp.jwks.answers = { redirect: 'http://169.254.169.254/' };
    expect((await fetch(idp.jwksUri, { redirect: 'manual' })).headers.get('location')).toBe('http://169.254.169.254/');
    idp.jwks.answers = 'ok';
    expect(await (await fetch(idp.jwksUri)).json()).toHaveProperty('keys');
    expect(idp.jwks.requests - before).toBe(4);
  });
});
