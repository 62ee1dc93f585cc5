import { describe, expect, it } from 'vitest';
import { HandedOut } from './handed-out.js';

describe('HandedOut', () => {
  it('knows a URI only for the caller and server it was noted for', () => {
    const handedOut = new HandedOut();
    handedOut.note('ann', 'fs', 'file:///a');
    expect(handedOut.has('ann', 'fs', 'file:///a')).toBe(true);
    expect(handedOut.has('bob', 'fs', 'file:///a')).toBe(false);
    expect(handedOut.has('ann', 'git', 'file:///a')).toBe(false);
  });

  it('forgets the oldest of a caller who collects many, and nothing of another', () => {
    const handedOut = new HandedOut();
    handedOut.note('ann', 'fs', 'file:///a');
    for (let i = 0; i < 10_000; i++) handedOut.note('bob', 'fs', `file:///${i}`);
    expect(handedOut.has('bob', 'fs', 'file:///0')).toBe(false);
    expect(handedOut.has('bob', 'fs', 'file:///9999')).toBe(true);
    expect(handedOut.has('ann', 'fs', 'file:///a')).toBe(true);
  });
});
