import { describe, expect, it } from 'vitest';
import type { Exchange } from '#libs/kernel';
import { deliverError } from './deliver-error.js';
import type { Delivery } from './delivery.js';

const failure = (code: number, data: object = {}) => ({
  kind: 'error' as const,
  code,
  error: Buffer.from(JSON.stringify({ code, message: 'no', data })),
});

function to(era: 'legacy' | 'modern', settings: Partial<Delivery> & { version?: string } = {}): Delivery {
  const version = settings.version ?? (era === 'modern' ? '2026-07-28' : '2025-11-25');
  const exchange = { client: { era, version } } as unknown as Exchange;
  const rest = { server: 's', method: 'tools/call', map: undefined, hides: () => false, modernOnly: false };
  return { ...rest, view: undefined as never, exchange, ...settings };
}

const codeOf = (outcome: ReturnType<typeof deliverError>) =>
  outcome.kind === 'error' ? [outcome.code, JSON.parse(outcome.error.toString()).code] : outcome.kind;

describe('an upstream error', () => {
  it.each([
    ['legacy', true, -32602, -32002],
    ['legacy', false, -32602, -32602],
    ['legacy', false, -32002, -32002],
    ['modern', false, -32002, -32602],
    ['modern', true, -32602, -32602],
  ] as const)(
    'of a read, for a %s client of an upstream (modern only: %s): %d is %d',
    (era, modernOnly, from, code) => {
      expect(codeOf(deliverError(to(era, { modernOnly, method: 'resources/read' }), failure(from)))).toEqual([
        code,
        code,
      ]);
    },
  );

  it('that wants a visit first is a question to a modern client', () => {
    const visit = { mode: 'url', message: 'Log in', url: 'https://x.example/', elicitationId: 'e' };
    const outcome = deliverError(to('modern'), failure(-32042, { elicitations: [visit] }));
    if (outcome.kind !== 'input_required') throw new Error(outcome.kind);
    expect(JSON.parse(outcome.result.toString())).toEqual({
      inputRequests: {
        'visit-1': {
          method: 'elicitation/create',
          params: { mode: 'url', message: 'Log in', url: 'https://x.example/' },
        },
      },
    });
  });

  it('that wants a visit first is text to a client that does not know it', () => {
    const visit = { message: 'Log in', url: 'https://x.example/' };
    const outcome = deliverError(to('legacy', { version: '2025-06-18' }), failure(-32042, { elicitations: [visit] }));
    expect(outcome.kind === 'result' && outcome.result.toString()).toContain('Log in: https://x.example/');
    expect(deliverError(to('legacy'), failure(-32042)).kind).toBe('error');
  });

  it('about a missing capability is one to a modern client and a failed call to a legacy one', () => {
    const missing = failure(-32021, { requiredCapabilities: { sampling: {} } });
    expect(() => deliverError(to('modern'), missing)).toThrow(
      expect.objectContaining({ code: 'CAPABILITY_REQUIRED', data: { requiredCapabilities: { sampling: {} } } }),
    );
    const told = deliverError(to('legacy'), missing);
    expect(told.kind === 'result' && JSON.parse(told.result.toString()).isError).toBe(true);
  });
});
