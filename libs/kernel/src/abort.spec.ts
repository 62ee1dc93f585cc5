import { describe, expect, it } from 'vitest';
import { AbortSource } from './abort.js';
import { GatewayError } from './errors.js';

const REASON = new GatewayError('CANCELLED', 'no longer needed');

describe('AbortSource', () => {
  it('tells every listener once, in order, and remembers the first reason', () => {
    const source = new AbortSource();
    const heard: string[] = [];
    source.onAbort((reason) => heard.push(`a ${reason.code}`));
    source.onAbort(() => heard.push('b'));
    expect(source.aborted).toBe(false);
    source.abort(REASON);
    source.abort(new GatewayError('SHUTTING_DOWN', 'late'));
    expect(heard).toEqual(['a CANCELLED', 'b']);
    expect(source.aborted).toBe(true);
    expect(source.reason).toBe(REASON);
  });

  it('tells a late listener at once', () => {
    const source = new AbortSource();
    source.abort(REASON);
    const heard: unknown[] = [];
    source.onAbort((reason) => heard.push(reason))();
    expect(heard).toEqual([REASON]);
  });

  it('does not tell a listener that was taken away, even by another one during the abort', () => {
    const source = new AbortSource();
    const heard: string[] = [];
    const offSecond = { now: () => {} };
    source.onAbort(() => offSecond.now());
    offSecond.now = source.onAbort(() => heard.push('second'));
    source.onAbort(() => heard.push('third'))();
    source.abort(REASON);
    expect(heard).toEqual([]);
  });

  it('keeps two registrations of one function apart', () => {
    const source = new AbortSource();
    let calls = 0;
    const listener = () => {
      calls++;
    };
    const off = source.onAbort(listener);
    source.onAbort(listener);
    off();
    off();
    source.abort(REASON);
    expect(calls).toBe(1);
  });

  it('reports a listener that throws and tells the others and the signal all the same', () => {
    const thrown: unknown[] = [];
    const source = new AbortSource((error) => thrown.push(error));
    const { signal } = source;
    const heard: string[] = [];
    source.onAbort(() => {
      throw new Error('boom');
    });
    source.onAbort(() => heard.push('second'));
    source.abort(REASON);
    expect(heard).toEqual(['second']);
    expect(signal.aborted).toBe(true);
    expect(thrown).toEqual([new Error('boom')]);
  });

  it('gives a signal before, during and after the abort', () => {
    const early = new AbortSource();
    const before = early.signal;
    expect(early.signal).toBe(before);
    early.abort(REASON);
    expect(before.reason).toBe(REASON);

    const source = new AbortSource();
    let during: AbortSignal | undefined;
    source.onAbort(() => {
      during = source.signal;
    });
    source.abort(REASON);
    expect(during?.aborted).toBe(true);
    expect(source.signal).toBe(during);
  });
});
