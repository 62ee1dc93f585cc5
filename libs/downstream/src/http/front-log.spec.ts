import { describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { FrontLog } from './front-log.js';

function recorded() {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });
  const reasons: string[] = [];
  const limits: [string, string][] = [];
  const metrics = {
    toolCalled() {},
    toolFinished() {},
    listed() {},
    tolerated() {},
    requested() {},
    refused: (reason: string) => reasons.push(reason),
    limited: (key: string, rule: string) => limits.push([key, rule]),
  };
  let now = 1_000_000;
  const log = new FrontLog({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, metrics);
  log.now = () => now;
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { lines, reasons, limits, log, pass };
}

describe('FrontLog', () => {
  it('writes one line per refusal at the level of the catalogue, and counts it', () => {
    const { log, lines, reasons } = recorded();
    log.failed(new GatewayError('FORBIDDEN_HOST', 'no'), 'request-1');
    expect(lines).toEqual([
      { level: 'warn', fields: { requestId: 'request-1', code: 'FORBIDDEN_HOST' }, message: 'no' },
    ]);
    expect(reasons).toEqual(['forbidden']);
  });

  it('writes few lines of a flood and says how many it left out; all of them are counted', () => {
    const { log, lines, reasons, pass } = recorded();
    const flood = () => {
      for (let i = 0; i < 1_000; i++) log.failed(new GatewayError('PARSE_ERROR', 'not JSON'), `request-${i}`);
    };
    flood();
    expect(lines.length).toBeLessThanOrEqual(50);
    log.failed(new GatewayError('FORBIDDEN_HOST', 'no'), 'other');
    expect(lines.at(-1)?.message).toBe('no');
    const first = lines.length;
    pass(10_000);
    flood();
    expect(lines[first]?.fields).toMatchObject({ code: 'PARSE_ERROR', unlogged: 1_000 - (first - 1) });
    expect(lines.length - first).toBeLessThanOrEqual(51);
    expect(reasons).toHaveLength(2_001);
  });

  it('hides no server behind the failures of another one', () => {
    const { log, lines } = recorded();
    const fail = (server: string) =>
      log.answered(new GatewayError('UPSTREAM_TIMEOUT', `${server} is slow`, { data: { server } }), 'request');
    for (let i = 0; i < 1_000; i++) fail('a');
    fail('b');
    expect(lines.at(-1)?.message).toBe('b is slow');
  });

  it('counts which limit was reached, wherever it was', () => {
    const { log, limits } = recorded();
    log.failed(new GatewayError('BODY_TOO_LARGE', 'no', { data: { key: 'server.limits.body' } }), 'request');
    const data = { key: 'rate_limit[].limit', rule: 'tool n8n:*' };
    log.answered(new GatewayError('RATE_LIMITED', 'no', { data }), 'request');
    log.failed(new GatewayError('UNAUTHENTICATED', 'no'), 'request');
    expect(limits).toEqual([
      ['server.limits.body', ''],
      ['rate_limit[].limit', 'tool n8n:*'],
    ]);
  });

  it('never leaves out what went wrong inside', () => {
    const { log, lines } = recorded();
    for (let i = 0; i < 1_000; i++) log.failed(new GatewayError('INTERNAL', 'broken'), 'request');
    expect(lines).toHaveLength(1_000);
  });
});
