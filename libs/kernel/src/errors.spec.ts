import { describe, expect, it } from 'vitest';
import { ERRORS, GatewayError, messageOf, toGatewayError } from './errors.js';

describe('the error catalogue', () => {
  it('uses JSON-RPC codes and HTTP statuses that exist', () => {
    for (const [code, entry] of Object.entries(ERRORS)) {
      expect(code).toMatch(/^[A-Z][A-Z_]+$/);
      expect([-32700, -32600, -32601, -32602, -32603, -32001, -32002, -32020, -32021, -32022]).toContain(entry.rpc);
      expect([200, 400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 429, 431, 500, 503]).toContain(entry.http);
      expect(entry.reason).toMatch(/^[a-z_]+$/);
    }
  });

  it('has few reasons, since they are metric labels', () => {
    expect(new Set(Object.values(ERRORS).map((entry) => entry.reason)).size).toBeLessThanOrEqual(32);
  });
});

describe('GatewayError', () => {
  it('knows its row and keeps its cause', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new GatewayError('UPSTREAM_UNREACHABLE', 'n8n is not reachable', { cause, notExecuted: true });
    expect(error.entry).toBe(ERRORS.UPSTREAM_UNREACHABLE);
    expect(error).toMatchObject({ cause, notExecuted: true, name: 'GatewayError', message: 'n8n is not reachable' });
    expect(new GatewayError('CANCELLED', 'x').notExecuted).toBe(false);
    expect('cause' in new GatewayError('CANCELLED', 'x')).toBe(false);
  });

  it('shows the client its code, origin and request id, which data cannot replace', () => {
    const data = { server: 'n8n', code: 'FAKE', origin: 'fake', requestId: 'fake' };
    expect(new GatewayError('UPSTREAM_TIMEOUT', 'x', { data }).wireData('r-1')).toEqual({
      code: 'UPSTREAM_TIMEOUT',
      origin: 'upstream',
      server: 'n8n',
      requestId: 'r-1',
    });
  });

  it('wraps what is not from the catalogue without telling its text', () => {
    const thrown = new Error('password=hunter2');
    const wrapped = toGatewayError(thrown);
    expect(wrapped).toMatchObject({ code: 'INTERNAL', cause: thrown });
    expect(wrapped.message).not.toContain('hunter2');
    expect(toGatewayError(wrapped)).toBe(wrapped);
  });
});

describe('messageOf', () => {
  it('finds words for anything that can be thrown', () => {
    expect([new Error('a'), 'b', undefined, 7, Symbol('s')].map(messageOf)).toEqual([
      'a',
      'b',
      'undefined',
      '7',
      'Symbol(s)',
    ]);
    expect(messageOf(Object.create(null))).toContain('cannot be shown');
  });
});
