import 'reflect-metadata';
import { Global, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigModule, configFrom, LiveConfig } from '#libs/config';
import { EgressClient, EgressGuard } from '#libs/egress';
import { principal } from '#libs/kernel';
import { type Authenticator, AuthProvider, type AuthSetup, Extension, GatewayLog } from '#libs/plugin';
import { IdentityProvider } from '../../../test/support/idp.js';
import { API_KEY_ISSUER, AuthChain, AuthModule, AuthSettings } from './index.js';
import { GATEWAY_URL, RESOURCE } from './testing/asking.js';
import { type Line, recordingLog } from './testing/bench.js';

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789';
const OTHER_KEY = '0123456789abcdefghijklmnopqrstuvwxyz';
const USER = { name: 'ci', key: KEY, claims: { groups: ['User'] } };

/** A stranger's provider: judges a header of its own. */
@Extension(AuthProvider, { name: 'acme', api: '1.0' })
class AcmeProvider extends AuthProvider {
  readonly opened: AuthSetup[] = [];
  closed = 0;

  override challengeScopes(scopes: readonly string[]): readonly string[] {
    return scopes.map((scope) => `acme/${scope}`);
  }

  open(setup: AuthSetup): Authenticator {
    this.opened.push(setup);
    return {
      authenticate: ({ headers }) =>
        typeof headers['x-acme'] === 'string'
          ? { kind: 'ok', principal: principal('https://acme.example', headers['x-acme']) }
          : { kind: 'none' },
      close: () => {
        this.closed += 1;
      },
    };
  }
}

describe('authentication as configured', () => {
  let idp: IdentityProvider;
  let app: TestingModule | undefined;
  let lines: Line[];
  let settings: Record<string, unknown>;
  let live: LiveConfig;

  beforeEach(async () => {
    idp = await IdentityProvider.start();
    lines = [];
  });
  afterEach(async () => {
    await app?.close();
    await idp.close();
  });

  const load = () => configFrom({ server: { url: GATEWAY_URL }, ...settings });
  const oauth = (more: Record<string, unknown> = {}) => ({
    enabled: true,
    authorization_servers: [idp.issuer],
    ...more,
  });

  async function start(initial: Record<string, unknown>) {
    settings = initial;
    live = new LiveConfig(load(), { load });
    @Global()
    @Module({
      providers: [
        { provide: GatewayLog, useValue: recordingLog(lines) },
        { provide: EgressClient, useValue: new EgressClient(new EgressGuard()) },
      ],
      exports: [GatewayLog, EgressClient],
    })
    class Neighbours {}
    @Module({ providers: [AcmeProvider] })
    class AcmePlugin {}
    app = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(live), Neighbours, AuthModule, AcmePlugin],
    }).compile();
    await app.init();
    return {
      chain: app.get(AuthChain),
      settings: app.get(AuthSettings),
      acme: app.get(AcmeProvider, { strict: false }),
    };
  }
  function reload(next: Record<string, unknown>): void {
    settings = next;
    expect(live.reload()).toMatchObject({ kind: 'applied' });
  }
  const ask = (chain: AuthChain, headers: Record<string, string>, url = '/mcp') =>
    chain.authenticate({ headers, rawHeaders: Object.entries(headers).flat(), url, remoteAddress: '127.0.0.1' });
  const kind = async (chain: AuthChain, headers: Record<string, string> = {}) => (await ask(chain, headers)).kind;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('is anonymous for everybody, whatever they bring, while nothing is configured', async () => {
    const { chain, settings: known } = await start({});
    for (const headers of [{}, bearer('x'), { authorization: 'nonsense' }]) {
      expect(ask(chain, headers)).toMatchObject({ kind: 'ok', principal: { anonymous: true } });
    }
    expect([known.enabled, known.issuers]).toEqual([false, []]);
  });

  it('knows API keys by name, with the claims of the configuration', async () => {
    const { chain, settings: known } = await start({ api_keys: [USER, { name: 'ops', key: OTHER_KEY }] });
    const outcome = ask(chain, bearer(KEY));
    expect(outcome).toMatchObject({
      kind: 'ok',
      principal: { issuer: API_KEY_ISSUER, subject: 'ci', anonymous: false, claims: { groups: ['User'] } },
    });
    expect(ask(chain, bearer(KEY))).toEqual(outcome);
    expect(ask(chain, bearer(OTHER_KEY))).toMatchObject({ principal: { subject: 'ops', claims: {} } });
    for (const wrong of [KEY.slice(1), `${KEY}x`, KEY.toUpperCase()])
      expect(await kind(chain, bearer(wrong))).toBe('denied');
    expect(await kind(chain)).toBe('none');
    expect([known.enabled, known.issuers]).toEqual([true, []]);
    expect(JSON.stringify([outcome, lines])).not.toContain(KEY);
  });

  it('takes API keys and access tokens side by side', async () => {
    const { chain } = await start({ api_keys: [USER], oauth: oauth() });
    expect(await kind(chain, bearer(KEY))).toBe('ok');
    expect(await kind(chain, bearer(idp.mint({ aud: RESOURCE })))).toBe('ok');
    expect(await kind(chain, bearer(idp.mint({ aud: 'another' })))).toBe('denied');
  });

  it('T031: never lets a failed check become another way in', async () => {
    const { chain } = await start({ oauth: oauth(), server: { url: GATEWAY_URL, allow_anonymous: true } });
    for (const headers of [
      bearer('garbage'),
      bearer(idp.mint({ aud: RESOURCE, exp: 1 })),
      bearer(idp.mint({}, { alg: 'none' })),
    ]) {
      expect(await kind(chain, headers)).toBe('denied');
    }
    expect(await kind(chain)).toBe('none');
    expect(await kind(chain, { authorization: 'Basic YTpi' })).toBe('none');
    expect(await kind(chain, { authorization: 'Bearer' })).toBe('malformed');
    idp.jwks.answers = { status: 500 };
    reload({ oauth: oauth({ jwks_uri: idp.jwksUri }) });
    expect(await kind(chain, bearer(idp.mint({ aud: RESOURCE })))).toBe('unavailable');
  });

  it('follows the configuration while it runs, and forgets what was good under an earlier one', async () => {
    const { chain, settings: known } = await start({ oauth: oauth({ audience: ['api://a'] }) });
    const token = idp.mint({ aud: 'api://a' });
    expect(await kind(chain, bearer(token))).toBe('ok');
    reload({ oauth: oauth({ audience: ['api://b'] }) });
    expect(await kind(chain, bearer(token))).toBe('denied');
    expect(await kind(chain, bearer(idp.mint({ aud: 'api://b' })))).toBe('ok');
    reload({ api_keys: [USER] });
    expect(await kind(chain, bearer(idp.mint({ aud: 'api://b' })))).toBe('denied');
    expect(await kind(chain, bearer(KEY))).toBe('ok');
    reload({ api_keys: [{ ...USER, key: OTHER_KEY }] });
    expect(await kind(chain, bearer(KEY))).toBe('denied');
    expect(known.enabled).toBe(true);
    reload({});
    expect(ask(chain, bearer(token))).toMatchObject({ principal: { anonymous: true } });
    reload({ oauth: oauth() });
    expect(await kind(chain)).toBe('none');
  });

  it('keeps the keys of an issuer over a reload, also when the issuer is away', async () => {
    const { chain } = await start({ oauth: oauth() });
    expect(await kind(chain, bearer(idp.mint({ aud: RESOURCE })))).toBe('ok');
    idp.jwks.answers = { status: 500 };
    idp.discovery.answers = { status: 500 };
    reload({ oauth: oauth({ audience: ['api://b'] }) });
    expect(await kind(chain, bearer(idp.mint({ aud: 'api://b' })))).toBe('ok');
    expect(idp.jwks.requests).toBe(1);
  });

  it("asks a plug-in's provider that is chosen by its name, and closes what an earlier configuration opened", async () => {
    const acme = {
      enabled: true,
      provider: 'acme',
      authorization_servers: ['https://acme.example'],
      acme: { tenant: 't' },
    };
    const { chain, settings: known, acme: provider } = await start({ oauth: acme });
    expect(provider.opened[0]).toMatchObject({
      issuers: ['https://acme.example'],
      resource: RESOURCE,
      settings: { tenant: 't' },
    });
    expect(provider.opened[0]?.resourceAt('/mcp/n8n?x')).toBe(`${RESOURCE}/n8n`);
    expect(ask(chain, { 'x-acme': 'ann' })).toMatchObject({ kind: 'ok', principal: { subject: 'ann' } });
    expect(await kind(chain)).toBe('none');
    expect(await kind(chain, bearer('nobody-knows'))).toBe('denied');
    expect(known.challengeScopes(['read'])).toEqual(['acme/read']);
    expect(provider.closed).toBe(0);
    reload({ oauth: { ...acme, acme: { tenant: 'u' } } });
    expect([provider.opened.length, provider.closed]).toEqual([2, 1]);
    reload({ oauth: { ...acme, acme: { tenant: 'u' } }, log: { level: 'warn' } });
    expect(provider.opened).toHaveLength(2);
    await app?.close();
    app = undefined;
    expect(provider.closed).toBe(2);
  });

  it('says at start which issuers, audiences and rules are in force, and warns where nobody would get in', async () => {
    await start({
      api_keys: [USER],
      oauth: {
        enabled: true,
        provider: 'okta',
        authorization_servers: ['https://acme.okta.com/oauth2/aus1'],
        jwks_uri: idp.jwksUri,
      },
    });
    expect(lines).toContainEqual({ level: 'info', fields: { keys: ['ci'] }, message: 'API keys are accepted' });
    expect(lines).toContainEqual({
      level: 'info',
      fields: expect.objectContaining({
        provider: 'okta',
        issuers: ['https://acme.okta.com/oauth2/aus1'],
        audiences: [RESOURCE],
        rules: expect.arrayContaining(['who it is stands in uid, else sub']),
      }),
      message: 'access tokens are required',
    });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: expect.stringMatching(/\$\.oauth\.audience: is empty; .*nobody gets in/),
      }),
    );
  });
});
