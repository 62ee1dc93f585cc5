import { afterEach, describe, expect, it } from 'vitest';
import type { Authenticator, AuthOutcome, AuthProvider, AuthSetup, Credentials } from '#libs/plugin';
import { bearing } from './asking.js';

export interface ProviderFixture {
  readonly provider: AuthProvider;
  /** A setup it can use. */
  readonly setup: AuthSetup;
  /** Credentials that are good under it. */
  good(): Credentials | Promise<Credentials>;
  /** Credentials of its kind that are not. */
  readonly bad: readonly Credentials[];
}

/** What the gateway counts on in every authentication provider. */
export function describeAuthProvider(name: string, fixture: () => ProviderFixture | Promise<ProviderFixture>): void {
  describe(`${name}, as an authentication provider`, () => {
    const opened: Authenticator[] = [];
    afterEach(() => {
      for (const authenticator of opened.splice(0)) authenticator.close?.();
    });
    const open = ({ provider, setup }: ProviderFixture): Authenticator => {
      const authenticator = provider.open(setup);
      opened.push(authenticator);
      return authenticator;
    };
    const principalIn = (outcome: AuthOutcome) => (outcome.kind === 'ok' ? outcome.principal : undefined);

    it('finds nothing wrong with a setup it can use', async () => {
      const { provider, setup } = await fixture();
      expect(provider.validate(setup)).toEqual([]);
    });

    it('says what is wrong or doubtful by the key', async () => {
      const { provider, setup } = await fixture();
      const empty: AuthSetup = { ...setup, issuers: [], audience: [], settings: { surprise: 'x' } };
      for (const sentence of [...provider.validate(empty), ...provider.warnings(empty)]) {
        expect(sentence).toMatch(/^[a-z][a-z0-9_-]*(?:[.[][\w\]]+)*: ./);
      }
    });

    it('makes good credentials a principal that is somebody, the same one each time', async () => {
      const it = await fixture();
      const authenticator = open(it);
      const credentials = await it.good();
      const first = principalIn(await authenticator.authenticate(credentials));
      expect(first).toMatchObject({
        anonymous: false,
        issuer: expect.stringMatching(/./),
        subject: expect.stringMatching(/./),
      });
      expect(principalIn(await authenticator.authenticate(credentials))).toBe(first);
    });

    it('passes on what is none of its kind', async () => {
      const authenticator = open(await fixture());
      const nothing: Credentials = { headers: {}, rawHeaders: [], url: '/mcp', remoteAddress: '127.0.0.1' };
      expect(await authenticator.authenticate(nothing)).toEqual({ kind: 'none' });
    });

    it('never lets in what is not good', async () => {
      const it = await fixture();
      const authenticator = open(it);
      for (const credentials of [...it.bad, bearing('garbage'), bearing('a.b.c'), bearing('.')]) {
        expect((await authenticator.authenticate(credentials)).kind).not.toBe('ok');
      }
    });

    it('can be open twice, and closed twice', async () => {
      const it = await fixture();
      const [one, two] = [open(it), open(it)];
      one.close?.();
      one.close?.();
      expect((await two.authenticate(await it.good())).kind).toBe('ok');
    });
  });
}
