import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type Log, SILENT } from '#libs/kernel';
import type { Authenticator, AuthOutcome, Bearer, Credentials } from '#libs/plugin';
import { AuthChain } from './auth-chain.js';

const CREDENTIALS: Credentials = { headers: {}, rawHeaders: [], remoteAddress: '127.0.0.1', url: '/mcp' };

class Scripted implements Authenticator {
  asked = 0;
  constructor(private readonly answer: () => AuthOutcome | Promise<AuthOutcome>) {}
  authenticate() {
    this.asked++;
    return this.answer();
  }
}
const says = (outcome: AuthOutcome) => new Scripted(() => outcome);
const saysLater = (outcome: AuthOutcome) => new Scripted(() => Promise.resolve(outcome));
const OK: AuthOutcome = { kind: 'ok', principal: ANONYMOUS };

describe('AuthChain', () => {
  it('passes on from `none` to the next provider, whether it answers at once or later', async () => {
    for (const first of [says({ kind: 'none' }), saysLater({ kind: 'none' })]) {
      expect(await new AuthChain([first, says(OK)]).authenticate(CREDENTIALS)).toEqual(OK);
    }
  });

  it.each<AuthOutcome>([
    { kind: 'denied', reason: 'expired' },
    { kind: 'malformed', reason: 'two headers' },
    { kind: 'unavailable', retryAfterSeconds: 7 },
  ])('stops at $kind: a weaker provider behind is not asked', async (outcome) => {
    for (const first of [says(outcome), saysLater(outcome)]) {
      const behind = says(OK);
      expect(await new AuthChain([first, behind]).authenticate(CREDENTIALS)).toEqual(outcome);
      expect(behind.asked).toBe(0);
    }
  });

  it('treats a provider that throws as unavailable, never as absent, and says so once in a while', async () => {
    const errors: string[] = [];
    const log: Log = { ...SILENT, error: (_fields, message) => errors.push(message) };
    const failing = [
      new Scripted(() => {
        throw new Error('broken');
      }),
      new Scripted(() => Promise.reject(new Error('broken'))),
    ];
    for (const first of failing) {
      const behind = says(OK);
      const chain = new AuthChain([first, behind], log);
      // However often: a failure of every request must not fill the log.
      for (let count = 0; count < 100; count++) {
        expect((await chain.authenticate(CREDENTIALS)).kind).toBe('unavailable');
      }
      expect(behind.asked).toBe(0);
    }
    expect(errors).toHaveLength(2);
  });

  it('finds nobody when no provider recognises the credentials, also with no provider at all', async () => {
    expect((await new AuthChain([says({ kind: 'none' })]).authenticate(CREDENTIALS)).kind).toBe('none');
    expect((await new AuthChain([]).authenticate(CREDENTIALS)).kind).toBe('none');
  });
});

describe('a token that was let in', () => {
  const LONG = 'x'.repeat(600);
  const bearing = (token: string): Credentials => {
    const authorization = `Bearer ${token}`;
    return { ...CREDENTIALS, headers: { authorization }, rawHeaders: ['Authorization', authorization] };
  };

  /** A provider that lets in these tokens, and notes how each was presented. */
  function doorkeeper(...good: string[]) {
    const seen: Bearer[] = [];
    const chain = new AuthChain([
      {
        authenticate: ({ bearer }: Credentials) => {
          seen.push(bearer as Bearer);
          return good.includes((bearer as Bearer).token) ? OK : { kind: 'denied', reason: 'unknown' };
        },
      },
    ]);
    return { chain, seen, good };
  }
  const digestOf = (token: string) => hash('sha256', token, 'base64url');

  it('is read once, and its provider is asked each time', () => {
    const { chain, seen, good } = doorkeeper(`a${LONG}`);
    for (let count = 0; count < 3; count++) expect(chain.authenticate(bearing(`a${LONG}`))).toBe(OK);
    expect(seen).toHaveLength(3);
    expect(seen[0]).toEqual({ token: `a${LONG}`, digest: digestOf(`a${LONG}`) });
    expect(new Set(seen).size).toBe(1);
    good.length = 0;
    expect(chain.authenticate(bearing(`a${LONG}`))).toMatchObject({ kind: 'denied' });
    chain.authenticate(bearing(`a${LONG}`));
    expect(new Set(seen).size).toBe(2);
  });

  it('is never taken for another one, however much they have in common', () => {
    const { chain, seen } = doorkeeper(`a${LONG}`, `b${LONG}`);
    for (const token of [`a${LONG}`, `b${LONG}`, `c${LONG}`, `a${LONG}`, LONG.slice(1), `c${LONG}`]) {
      expect((chain.authenticate(bearing(token)) as AuthOutcome).kind).toBe(/^[ab]/.test(token) ? 'ok' : 'denied');
      expect(seen.at(-1)).toEqual({ token, digest: digestOf(token) });
    }
  });

  it('is read anew when it was refused, and by the limits of a new configuration', () => {
    const { chain, seen } = doorkeeper(`a${LONG}`);
    chain.authenticate(bearing(LONG));
    chain.authenticate(bearing(LONG));
    expect(seen[0]).not.toBe(seen[1]);
    chain.authenticate(bearing(`a${LONG}`));
    chain.replace([says(OK)], { maxTokenLength: 100, anonymous: false });
    expect(chain.authenticate(bearing(`a${LONG}`))).toMatchObject({ kind: 'denied', limit: 'server.limits.token' });
  });
});
