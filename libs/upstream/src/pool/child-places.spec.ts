import { beforeEach, describe, expect, it } from 'vitest';
import { type ChildPlace, ChildPlaces, type IdleChild } from './child-places.js';

const never = new AbortController().signal;
let places: ChildPlaces;

beforeEach(() => {
  places = new ChildPlaces();
  places.limit = 2;
});

const take = (signal = never) => places.take('lab', signal);

/** Keeps idle children, and ends one by giving back its place. */
function holder(...children: (ChildPlace & { lastUsed: number })[]) {
  const idle = [...children];
  places.join({
    oldestIdle: (): IdleChild | undefined => {
      idle.sort((a, b) => a.lastUsed - b.lastUsed);
      const [child] = idle;
      return child && { lastUsed: child.lastUsed, end: () => idle.shift()?.ending() };
    },
  });
  return idle;
}

describe('places for children', () => {
  it('are as many as configured; without room the error names the key', async () => {
    const [first] = [await take(), await take()];
    await expect(take()).rejects.toMatchObject({
      code: 'UPSTREAM_BUSY',
      notExecuted: true,
      data: { server: 'lab', key: 'proxy.max_children', limit: 2 },
      message: expect.stringContaining('raise proxy.max_children'),
    });
    first?.leave();
    first?.leave();
    await take();
    expect(places.taken).toBe(2);
    await expect(take()).rejects.toMatchObject({ code: 'UPSTREAM_BUSY' });
  });

  it('are made by ending the child unused for longest, whosever it is, and taken when it is gone', async () => {
    const [a, b] = [await take(), await take()];
    const [young, old] = [holder({ ...a, lastUsed: 7 }), holder({ ...b, lastUsed: 3 })];
    let entered = false;
    const waiting = take().then(() => {
      entered = true;
    });
    await new Promise((turn) => setImmediate(turn));
    expect([young.length, old.length, entered, places.taken]).toEqual([1, 0, false, 2]);
    b.leave();
    await waiting;
    expect(places.taken).toBe(2);
  });

  it('that become free anyway are waited for: nobody else has to go', async () => {
    const [a, b] = [await take(), await take()];
    const idle = holder({ ...b, lastUsed: 1 });
    a.ending();
    const first = take();
    expect(idle).toHaveLength(1);
    const second = take();
    expect(idle).toHaveLength(0);
    await expect(take()).rejects.toMatchObject({ code: 'UPSTREAM_BUSY' });
    a.leave();
    b.leave();
    await Promise.all([first, second]);
    expect(places.taken).toBe(2);
  });

  it('are given up by those who leave the queue', async () => {
    const [a] = [await take(), await take()];
    a?.ending();
    const gone = new AbortController();
    const waiting = take(gone.signal);
    gone.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    await expect(take(gone.signal)).rejects.toThrow('given up');
    a?.leave();
    expect(places.taken).toBe(1);
    await take();
  });

  it('may be raised at run time', async () => {
    await Promise.all([take(), take()]);
    places.limit = 3;
    await take();
    places.limit = 1;
    await expect(take()).rejects.toMatchObject({ code: 'UPSTREAM_BUSY' });
    expect(places.taken).toBe(3);
  });
});
