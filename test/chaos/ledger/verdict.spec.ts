import { describe, expect, it } from 'vitest';
import { answerTo } from './answer.js';
import type { Call, Outcome } from './call.js';
import { judge } from './verdict.js';

function call(outcome: Outcome, more: Partial<Call> = {}): Call {
  const order = { nonce: 'mine', upstream: 'one', tool: 'work', ms: 0, size: 1_000 } as const;
  return { ...order, client: 'somebody', sentAt: 0, settledAt: 1, outcome, ...more };
}

const answer = (text: string): Outcome => ({ kind: 'answer', text });
const error = (code?: string, mayHaveRun?: boolean): Outcome => ({
  kind: 'error',
  code,
  said: 'no',
  ...(mayHaveRun === undefined ? {} : { mayHaveRun }),
});
const OWN = answer(answerTo('mine', 1_000));
const GONE = { gatewayGone: true };
const DRAINS = { gatewayDrains: true };

describe('the verdict on a call', () => {
  it('is right for its own answer to what ran', () => {
    expect(judge(call(OWN), 1).kind).toBe('right');
  });

  it.each([
    ["another call's answer", answerTo('other', 1_000)],
    ['a changed byte', answerTo('mine', 1_000).replace(/.$/, '#')],
    ['an answer that was cut', answerTo('mine', 999)],
    ['nothing', ''],
  ])('is wrong for %s', (_what, text) => {
    expect(judge(call(answer(text)), 1).kind).toBe('wrong');
  });

  it('is wrong for an answer to what never ran', () => {
    expect(judge(call(OWN), 0).kind).toBe('wrong');
  });

  it('finds what ran twice, whatever the client saw', () => {
    for (const outcome of [OWN, error('UPSTREAM_DISCONNECTED', true)]) {
      expect(judge(call(outcome), 2).kind).toBe('twice');
      expect(judge(call(outcome, { tool: 'look' }), 3).kind).toBe('twice');
    }
  });

  it('lets what may be repeated run once more', () => {
    expect(judge(call(OWN, { tool: 'look' }), 2).kind).toBe('right');
  });

  it.each(['UPSTREAM_DISCONNECTED', 'UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE'])(
    'takes %s for a clear error',
    (code) => {
      expect(judge(call(error(code)), 0).kind).toBe('clear');
    },
  );

  it.each([undefined, 'SOMETHING', 'toString', 'INTERNAL'])('is wrong for an error with the code %s', (code) => {
    expect(judge(call(error(code)), 0).kind).toBe('wrong');
  });

  it('is wrong for an error that denies what happened', () => {
    expect(judge(call(error('UPSTREAM_UNREACHABLE')), 1).kind).toBe('wrong');
    expect(judge(call(error('UPSTREAM_DISCONNECTED', false)), 1).kind).toBe('wrong');
    expect(judge(call(error('UPSTREAM_DISCONNECTED', true)), 1).kind).toBe('clear');
  });

  it('is lost for silence, and for broken connections unless the gateway is ended', () => {
    expect(judge(call({ kind: 'silence' }), 0, GONE).kind).toBe('lost');
    for (const outcome of [{ kind: 'broken', said: 'reset' }, { kind: 'refused' }] as const) {
      expect(judge(call(outcome), 0).kind).toBe('lost');
      expect(judge(call(outcome), 0, GONE).kind).toBe('clear');
    }
  });

  it('is wrong for a refused connection whose call ran', () => {
    for (const allowed of [GONE, DRAINS]) expect(judge(call({ kind: 'refused' }), 1, allowed).kind).toBe('wrong');
  });

  it('is lost for a connection that broke under a call that ran, where the gateway ends by itself', () => {
    const broken = call({ kind: 'broken', said: 'reset' });
    expect(judge(broken, 1, GONE).kind).toBe('clear');
    expect(judge(broken, 0, DRAINS).kind).toBe('clear');
    expect(judge(broken, 1, DRAINS).kind).toBe('lost');
  });

  it('is clear where the client itself gave up', () => {
    expect(judge(call({ kind: 'abandoned' }), 1).kind).toBe('clear');
  });
});
