import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, principal, Secret } from '#libs/kernel';
import { JsonView } from '#libs/mcp';
import type { AuditEvent } from '#libs/plugin';
import { AuditLines } from './audit-line.js';

const MAX_LINE = 16 * 1024;

import { aCall, aRefusal } from './testing/events.js';

const lines = new AuditLines();
const lineOf = (event: AuditEvent, values = false) =>
  lines.of(event, { time: Date.UTC(2026, 10, 26), values, maxLine: MAX_LINE });
const read = (event: AuditEvent, values = false) => JSON.parse(lineOf(event, values)) as Record<string, unknown>;
const spelled = (text: string) => JsonView.of(Buffer.from(text));
const json = (value: unknown) => spelled(JSON.stringify(value));

describe('an audit line', () => {
  it('says who did what, where, with what right and what came of it', () => {
    const event = aCall({ exposed: 'files__read', policyVersion: 3, arguments: json({ path: '/a', deep: { x: 1 } }) });
    expect(read(event)).toEqual({
      time: '2026-11-26T00:00:00.000Z',
      event: 'call',
      request_id: 'request-1',
      who: { issuer: 'https://id.example', subject: 'ann', key: event.principal?.key },
      client: { name: 'desk app', version: '1.2', id: 'desk' },
      remote_address: '192.0.2.7',
      endpoint: '/mcp',
      method: 'tools/call',
      server: 'files',
      object: 'files:read',
      exposed: 'files__read',
      decision: 'allow',
      rule: 'files:*',
      policy_version: 3,
      outcome: 'result',
      duration_ms: 12.346,
      arguments: {
        bytes: 28,
        keys: [
          { name: 'path', bytes: 4 },
          { name: 'deep', bytes: 7 },
        ],
      },
    });
  });

  it('names what was refused as it was sent, and nobody where nobody is known', () => {
    expect(read(aRefusal({ object: 'n8n:x' }))).toMatchObject({ object: 'n8n:x', code: 'TOKEN_INVALID' });
    expect(read(aRefusal())).not.toHaveProperty('who');
    expect(read(aCall({ principal: ANONYMOUS }))['who']).toEqual({ anonymous: true });
  });

  it('never has the values of arguments unless they were asked for', () => {
    const event = aCall({ arguments: spelled('{ "a": "one",\n\t"b": 12345678901234567890 }') });
    expect(lineOf(event)).not.toContain('one');
    expect(lineOf(event, true)).toContain('"values":{"a":"one","b":12345678901234567890}');
  });

  it('has the values that fit, says that others do not, and bounds the number of names', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key-${index}`, index]));
    const told = read(aCall({ arguments: json({ big: 'x'.repeat(100_000), ...many }) }), true)['arguments'] as {
      keys: unknown[];
      values: object;
    };
    expect(told.keys).toHaveLength(32);
    expect(told).toMatchObject({ more_keys: 9, values_cut: true, values: { 'key-0': 0 } });
    expect(told.values).not.toHaveProperty('big');
  });

  it('masks values of secrets, also where that breaks the JSON of an argument', () => {
    new Secret('canary-in-audit');
    new Secret('4815162342108');
    const line = lineOf(
      aCall({
        client: { name: 'is canary-in-audit', version: '1' },
        object: `${'x'.repeat(1018)}canary-in-audit`,
        arguments: spelled('{"n":4815162342108,"canary-in-audit":1,"t":"canary-in-audit"}'),
      }),
      true,
    );
    expect(line).not.toMatch(/canary|4815162342108/);
    expect(JSON.parse(line)).toMatchObject({ arguments: { values: { n: '[secret]', t: '[secret]' } } });
  });

  it('masks a secret that the gateway learns of later, also in what lines before it said', () => {
    const event = aCall({
      principal: principal('https://id.example', 'late-canary-subject'),
      object: 'late-canary-object',
      arguments: json({ 'late-canary-name': 1 }),
    });
    expect(lineOf(event)).toMatch(/late-canary-subject.*late-canary-object.*late-canary-name/);
    new Secret('late-canary');
    expect(lineOf(event)).not.toContain('late-canary');
  });

  it('tells callers of one principal apart by what they call themselves', () => {
    const event = aCall();
    const named = (name: string) => read({ ...event, client: { name, version: '2' } })['client'];
    expect([named('one'), named('two'), named('one')]).toMatchObject([
      { name: 'one' },
      { name: 'two' },
      { name: 'one' },
    ]);
    expect(read(event)['client']).toEqual({ name: 'desk app', version: '1.2', id: 'desk' });
  });

  it('tells deeds apart that have the name of their object alone in common', () => {
    const event = aCall({ policyVersion: 1 });
    const others: Partial<AuditEvent>[] = [
      {},
      { method: 'prompts/get' },
      { server: 'mail' },
      { exposed: 'files-read' },
      { decision: 'hide' },
      { rule: '*:*' },
      { reason: 'not today' },
      { policyVersion: 2 },
      { outcome: 'error' },
      { code: 'UPSTREAM_TIMEOUT' },
      { remoteAddress: '192.0.2.8' },
      { endpoint: '/mcp/files' },
    ];
    const fresh = (changes: Partial<AuditEvent>) =>
      new AuditLines().of({ ...event, ...changes }, { time: Date.UTC(2026, 10, 26), values: false, maxLine: MAX_LINE });
    for (const changes of [...others, ...others]) expect(lineOf({ ...event, ...changes })).toBe(fresh(changes));
  });

  it('spells durations to the thousandth as JSON does', () => {
    const duration = fc.oneof(fc.double({ noNaN: true, min: -1, max: 1e9 }), fc.integer({ min: 0, max: 20_000 }));
    const property = fc.property(duration, (value) => {
      const thousandths = Math.round(value * 1000);
      expect(lineOf(aCall({ durationMs: value }))).toContain(`"duration_ms":${thousandths / 1000}}`);
      expect(lineOf(aCall({ durationMs: value / 1000 }))).toContain(`"duration_ms":${Math.round(value) / 1000}}`);
    });
    fc.assert(property, { numRuns: 2_000 });
    expect(read(aCall({ durationMs: Number.NaN }))).not.toHaveProperty('duration_ms');
  });

  it('keeps right what it says of ever new texts', () => {
    for (let index = 0; index < 3_000; index++) {
      const event = aCall({ object: `tool-${index}`, arguments: json({ [`né-${index}`]: index }) });
      expect(read(event)).toMatchObject({
        object: `files:tool-${index}`,
        arguments: { keys: [{ name: `né-${index}` }] },
      });
    }
  });

  it('T150: is one JSON line whatever is in a name, a user agent or a subject', () => {
    const forged = '\n{"level":"info","msg":"forged"}\r\u001b[2J\u0085\u2028\u202e\u0000\ud800';
    const line = lineOf(
      aCall({
        object: forged,
        exposed: forged,
        rule: forged,
        requestId: forged,
        remoteAddress: forged,
        endpoint: forged,
        method: forged,
        server: forged,
        code: forged,
        client: { name: forged, version: forged },
        principal: principal(forged, forged, { clientId: forged }),
        arguments: json({ [forged]: forged }),
      }),
      true,
    );
    expect(line.endsWith('}\n')).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
    expect(JSON.parse(line)).toMatchObject({ event: 'call', client: { name: forged } });
  });

  it('is never longer than its bound and always JSON', () => {
    const text = fc.string({ unit: 'binary', size: 'max', maxLength: 30_000 });
    const args = fc.dictionary(fc.string({ unit: 'binary', maxLength: 200 }), fc.jsonValue(), { size: 'large' });
    const property = fc.property(fc.tuple(text, text, text, text), args, fc.boolean(), ([a, b, c, d], told, values) => {
      const who = principal(c, d, { clientId: a });
      const client = { name: a, version: b };
      const names = { object: a, exposed: b, rule: c, requestId: d, method: a, endpoint: b, remoteAddress: c };
      const line = lineOf(aCall({ ...names, client, principal: who, arguments: json(told) }), values);
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      JSON.parse(line);
    });
    fc.assert(property, { numRuns: 60 });
  });
});
