import { beforeEach, describe, expect, it } from 'vitest';
import { type ClientHeaders, type Principal, principal, Secret } from '#libs/kernel';
import type { CredentialOutcome, UpstreamCredential, UpstreamTarget } from '#libs/plugin';
import { isFieldValue, nameProblem } from '../credentials/header-rules.js';
import { testTarget } from './conversation.js';

type Settings = Readonly<Record<string, unknown>>;

export interface CredentialHarness {
  /** A fresh one for every test. */
  readonly credential: UpstreamCredential;
  /** The `auth` block of an upstream, without `type`; secrets as `Secret`. */
  readonly settings: Settings;
  /** Default: some HTTP upstream. */
  readonly target?: UpstreamTarget;
  /** Somebody there is a credential for. Default: anybody. */
  readonly caller?: Principal;
  /** Headers of the caller's request. Default: none. */
  readonly client?: ClientHeaders;
}

const ADA = principal('https://idp.example', 'ada');
const GRACE = principal('https://idp.example', 'grace');

/** What the gateway counts on in every credential for upstreams. For authors of plug-ins too. */
export function describeUpstreamCredential(
  name: string,
  makeHarness: () => CredentialHarness | Promise<CredentialHarness>,
): void {
  describe(`the credential contract: ${name}`, () => {
    let harness: CredentialHarness;
    const ask = (caller: Principal | undefined, settings = harness.settings) => {
      const { credential, target = testTarget({ url: 'https://up.example/mcp' }), client = {} } = harness;
      return credential.headers(target, settings, caller, caller && client);
    };
    const caller = () => harness.caller ?? ADA;
    beforeEach(async () => {
      harness = await makeHarness();
    });

    it('finds nothing wrong with settings it can use', () => {
      expect(harness.credential.validate(harness.settings)).toEqual([]);
    });

    it('says what is wrong by the key, and no secret', () => {
      const wrong = Object.fromEntries(Object.keys(harness.settings).map((key) => [key, new Secret('')]));
      for (const settings of [{}, { surprise: 'x' }, wrong, { ...harness.settings, surprise: 'x' }]) {
        for (const sentence of harness.credential.validate(settings)) {
          expect(sentence).toMatch(/^[a-z][a-z0-9_-]*(?:[.[][\w\]]+)*: ./);
          expect(secretsIn(harness.settings).filter((secret) => sentence.includes(secret))).toEqual([]);
        }
      }
    });

    it('gives a caller headers that HTTP can carry and that are its to give', async () => {
      const outcome = await ask(caller());
      expect(outcome.kind).toBe('ok');
      expectGood(outcome);
    });

    it('has something for the gateway’s own requests where it says so, and else says why not', async () => {
      const outcome = await ask(undefined);
      if (harness.credential.serves(harness.settings)) expect(outcome.kind).toBe('ok');
      expectGood(outcome);
    });

    it('has at hand what it gave before: then it answers without a promise', async () => {
      await ask(caller());
      expect(ask(caller())).not.toBeInstanceOf(Promise);
    });

    it('is the same for everybody unless it says that it is personal', async ({ skip }) => {
      if (harness.credential.personal) skip();
      expect(await ask(GRACE)).toEqual(await ask(ADA));
      expect(await ask(undefined)).toEqual(await ask(ADA));
    });

    it('tells nothing secret when it has nothing to give', async () => {
      for (const settings of [{}, { ...harness.settings }]) {
        for (const one of [undefined, caller()]) {
          const outcome = await ask(one, settings);
          if (outcome.kind !== 'missing') continue;
          expect(outcome.reason).not.toBe('');
          expect(secretsIn(harness.settings).filter((secret) => outcome.reason.includes(secret))).toEqual([]);
        }
      }
    });

    it('answers many at once as it answers one', async () => {
      const { kind } = await ask(caller());
      const all = await Promise.all(Array.from({ length: 20 }, () => ask(caller())));
      expect(new Set(all.map((outcome) => outcome.kind))).toEqual(new Set([kind]));
    });

    it('lives on after a refusal', async () => {
      const { credential, settings, target = testTarget({ url: 'https://up.example/mcp' }), client = {} } = harness;
      const given = await ask(caller());
      const headers = given.kind === 'ok' ? given.headers : {};
      const refusal = { headers, caller: { principal: caller(), headers: client }, challenges: ['Bearer'] };
      expect(credential.refused(target, settings, refusal)).toBeTypeOf('boolean');
      expectGood(await ask(caller()));
    });

    it('tells callers apart by text that is no secret', () => {
      const { credential, settings, client = {} } = harness;
      const identity = credential.identity({ name: 'up' }, settings, client);
      expect(identity).toBeTypeOf('string');
      expect(credential.identity({ name: 'up' }, settings, client)).toBe(identity);
      const secrets = [...secretsIn(settings), ...Object.values(client).flat()];
      expect(secrets.filter((secret) => secret && identity.includes(secret))).toEqual([]);
    });
  });
}

function expectGood(outcome: CredentialOutcome): void {
  if (outcome.kind === 'missing') {
    expect(outcome.reason).toMatch(/\w/);
    return;
  }
  for (const [header, value] of Object.entries(outcome.headers)) {
    expect([header, nameProblem(header)]).toEqual([header, undefined]);
    expect([header, isFieldValue(value)]).toEqual([header, true]);
  }
}

function secretsIn(settings: Settings): string[] {
  return Object.values(settings).flatMap((value) =>
    value instanceof Secret && value.reveal() ? [value.reveal()] : [],
  );
}
