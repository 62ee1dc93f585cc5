import { describe, expect, it } from 'vitest';
import { correlationId, saneTraceparent } from './correlation.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

describe('saneTraceparent', () => {
  it('passes what is well-formed', () => {
    expect(saneTraceparent(PARENT)).toBe(PARENT);
  });

  it.each([
    undefined,
    '',
    'x',
    PARENT.toUpperCase(),
    `${PARENT}\n`,
    `${PARENT}-x`,
    `ff-${TRACE}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
  ])('drops %j', (value) => {
    expect(saneTraceparent(value)).toBeUndefined();
  });
});

describe('correlationId', () => {
  it('takes the caller’s own id when it is sane', () => {
    expect(correlationId('req-12345', PARENT)).toBe('req-12345');
  });

  it.each(['', 'short', 'x'.repeat(129), 'id with spaces', 'new\nline-id', '-leading-dash', 'quote"12345'])(
    'takes the trace id instead of %j',
    (id) => {
      expect(correlationId(id, PARENT)).toBe(TRACE);
    },
  );

  it('makes a new one when there is none', () => {
    const [a, b] = [correlationId(undefined, undefined), correlationId('bad id', 'bad parent')];
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(a).not.toBe(b);
  });
});
