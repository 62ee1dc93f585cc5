import { describe, expect, it } from 'vitest';
import { DueClock, GatewayError, type Outcome } from '#libs/kernel';
import { RunningCall } from '../running-call.js';
import type { SessionRequest } from '../upstream-session.js';
import { EraCheck } from './era-check.js';

const CALL: SessionRequest = { method: 'tools/call', subject: 'tool echo', timeout: 5_000, maxTotal: 5_000 };
const DISCOVER: SessionRequest = { ...CALL, method: 'server/discover' };
/** In the words of a server of the legacy era; a tool may use them as well. */
const NO_SESSION = errorOf(-32600, 'Session not initialized');
const UNKNOWN_METHOD = errorOf(-32601, 'Method not found');
const DISCOVERED: Outcome = { kind: 'result', result: Buffer.from('{"supportedVersions":["2026-07-28"]}') };

function errorOf(code: number, message: string): Outcome {
  return { kind: 'error', code, error: Buffer.from(JSON.stringify({ code, message })) };
}

function http(status: number): GatewayError {
  return new GatewayError('UPSTREAM_HTTP', `it answered ${status}`, { data: { status } });
}

/** A check, and what its upstream is asked meanwhile. */
function checking(discovered = true) {
  const asked: RunningCall[] = [];
  const contradictions: GatewayError[] = [];
  const clock = new DueClock();
  const owner = { clock, onMessage() {}, onError() {}, onSlow() {}, onExpired() {} };
  const check = new EraCheck({
    server: 'lab',
    version: '2026-07-28',
    discovered,
    dispatch: (request) => {
      const call = new RunningCall(asked.length + 1, request, owner);
      asked.push(call);
      return call;
    },
    contradicted: (error) => contradictions.push(error),
  });
  return { asked, check, contradictions };
}

describe('whether an upstream still is of the modern era', () => {
  it('is not asked about answers that servers of this era give', async () => {
    const { asked, check } = checking();
    const answers = [DISCOVERED, errorOf(-32602, 'no such tool'), UNKNOWN_METHOD];
    for (const answer of answers) expect(await check.believed(CALL, answer)).toBe(answer);
    expect(asked).toEqual([]);
  });

  it('is asked before an answer of the other era is believed, which then did not run', async () => {
    const { asked, check, contradictions } = checking();
    const believed = check.believed(CALL, NO_SESSION);
    expect(asked.map(({ request }) => request.method)).toEqual(['server/discover']);
    asked[0]?.settle(UNKNOWN_METHOD);
    await expect(believed).rejects.toMatchObject({ code: 'UPSTREAM_SESSION_LOST', notExecuted: true });
    expect(contradictions).toMatchObject([
      { message: 'lab no longer answers like a server of 2026-07-28: error -32600 Session not initialized' },
    ]);
  });

  it('is not in doubt because a tool says the same words', async () => {
    const { asked, check, contradictions } = checking();
    const believed = check.believed(CALL, NO_SESSION);
    asked[0]?.settle(DISCOVERED);
    expect(await believed).toBe(NO_SESSION);
    expect(contradictions).toEqual([]);
  });

  it('is not disproved by what breaks while it is asked', async () => {
    const { asked, check } = checking();
    const refused = http(404);
    const explained = check.explained(CALL, refused);
    asked[0]?.fail(new GatewayError('UPSTREAM_DISCONNECTED', 'gone'));
    expect(await explained).toBe(refused);
  });

  it('is asked once for all who want to know at the same time, and anew later', async () => {
    const { asked, check, contradictions } = checking();
    const all = [check.explained(CALL, http(404)), check.explained(CALL, http(400)), check.doubt()];
    expect(asked).toHaveLength(1);
    asked[0]?.fail(http(404));
    expect(await Promise.all(all)).toMatchObject([
      { code: 'UPSTREAM_SESSION_LOST' },
      { code: 'UPSTREAM_SESSION_LOST' },
      undefined as never,
    ]);
    expect(contradictions).toHaveLength(3);
    const again = check.doubt();
    expect(asked).toHaveLength(2);
    asked[1]?.settle(DISCOVERED);
    await again;
    expect(contradictions).toHaveLength(3);
  });

  it('is answered by what server/discover itself is met with', async () => {
    const { asked, check } = checking();
    await expect(check.believed(DISCOVER, UNKNOWN_METHOD)).rejects.toMatchObject({ code: 'UPSTREAM_SESSION_LOST' });
    expect(await check.explained(DISCOVER, http(404))).toMatchObject({ code: 'UPSTREAM_SESSION_LOST' });
    expect(asked).toEqual([]);
  });

  it('cannot be contradicted before it was found', async () => {
    const { asked, check } = checking(false);
    const refused = http(404);
    expect(await check.believed(CALL, NO_SESSION)).toBe(NO_SESSION);
    expect(await check.explained(CALL, refused)).toBe(refused);
    expect(asked).toEqual([]);
  });
});
