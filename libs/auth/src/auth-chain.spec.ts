import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type Log, SILENT } from '#libs/kernel';
import { type Authenticator, type AuthOutcome, type Credentials } from '#libs/plugin';
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
