import { describe, expect, it } from 'vitest';
import { SERVICE } from './session-spec.js';
import { SessionGroup } from './slot.js';

describe('the clients a group of sessions serves', () => {
  it('are told apart from a sole one, whatever the order they come and go in', () => {
    const group = new SessionGroup(SERVICE);
    expect(group.soleClient).toBeUndefined();
    expect([group.serve('a'), group.serve('a'), group.serves('a')]).toEqual([true, false, true]);
    expect(group.soleClient).toBe('a');
    group.serve('b');
    expect(group.soleClient).toBeUndefined();
    expect([group.release('a'), group.release('a'), group.serves('a')]).toEqual([true, false, false]);
    expect(group.soleClient).toBe('b');
    group.serve('c');
    expect(group.soleClient).toBeUndefined();
    group.release('b');
    expect(group.soleClient).toBe('c');
    expect(group.release('c')).toBe(true);
    expect(group.soleClient).toBeUndefined();
  });

  it('decide by the most verbose level among them', () => {
    const group = new SessionGroup(SERVICE);
    expect(group.mostVerbose).toBeUndefined();
    group.countLevel('error', 1);
    group.countLevel('info', 1);
    group.countLevel('info', 1);
    expect(group.mostVerbose).toBe('info');
    group.countLevel('info', -1);
    expect(group.mostVerbose).toBe('info');
    group.countLevel('info', -1);
    expect(group.mostVerbose).toBe('error');
    group.countLevel('error', -1);
    expect(group.mostVerbose).toBeUndefined();
  });
});
