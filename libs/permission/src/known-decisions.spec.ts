import { describe, expect, it } from 'vitest';
import type { ObjectKind, ObjectRef } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import type { Grants } from './grants.js';
import { KnownDecisions } from './known-decisions.js';

let made = 0;
const someone = (key: string): Grants => ({
  key,
  number: made++,
  scopes: new Set(),
  held: new Set(),
  known: new Map(),
});
const thing = (kind: ObjectKind, server: string, name: string): ObjectRef => ({ kind, server, name });
const because = (rule: string): Decision => ({ effect: 'hide', rule });

describe('known decisions', () => {
  it('are of one class, kind, server and name, whatever these are called', () => {
    const known = new KnownDecisions(1_000);
    const [ann, bob] = [someone('ann'), someone('bob')];
    const things = ['a', 'a b', '__proto__', 'tool'].flatMap((server) =>
      (['tool', 'prompt', 'resource', 'template'] as const).flatMap((kind) =>
        ['x', 'b x', '__proto__', ''].map((name) => thing(kind, server, name)),
      ),
    );
    for (const ref of things) {
      expect(known.get(ann, ref)).toBeUndefined();
      known.set(ann, ref, because(JSON.stringify(ref)));
    }
    for (const ref of things) {
      expect(known.get(ann, { ...ref })).toEqual(because(JSON.stringify(ref)));
      expect(known.get(bob, ref)).toBeUndefined();
    }
  });

  it('stay within their bound, and right behind it', () => {
    const known = new KnownDecisions(100);
    const ann = someone('ann');
    for (let index = 0; index < 1_000; index++) {
      const ref = thing('resource', 's', `file:///${index}`);
      known.set(ann, ref, because(`${index}`));
      expect(known.get(ann, ref)).toEqual(because(`${index}`));
      expect(known.size).toBeLessThanOrEqual(100);
    }
    expect(known.get(ann, thing('resource', 's', 'file:///0'))).toBeUndefined();
  });
});
