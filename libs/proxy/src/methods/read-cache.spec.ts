import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type Outcome, principal } from '#libs/kernel';
import { ReadCache } from './read-cache.js';

const read = (scope: 'public' | 'private'): Outcome => ({
  kind: 'result',
  result: Buffer.from('{"contents":[]}'),
  freshness: { ttl: 60_000, scope },
});
const [ann, bob] = [principal('https://issuer.example', 'ann'), principal('https://issuer.example', 'bob')];
const otherAnn = principal('https://other.example', 'ann');

describe('ReadCache', () => {
  it.each(['public', 'private'] as const)('keeps what a caller read for that caller alone: %s', (scope) => {
    const reads = new ReadCache();
    reads.put(ann, 's', 'a:x', read(scope));
    expect(reads.get(ann, 's', 'a:x')).toMatchObject({ freshness: { scope } });
    for (const other of [bob, otherAnn, ANONYMOUS]) expect(reads.get(other, 's', 'a:x')).toBeUndefined();
    expect(reads.get(ann, 's', 'a:y')).toBeUndefined();
    expect(reads.get(ann, 't', 'a:x')).toBeUndefined();
  });

  it('hands nothing that nobody in particular read to somebody', () => {
    const reads = new ReadCache();
    reads.put(ANONYMOUS, 's', 'a:x', read('public'));
    expect(reads.get(ANONYMOUS, 's', 'a:x')).toBeDefined();
    expect(reads.get(ann, 's', 'a:x')).toBeUndefined();
  });

  it('forgets what may have changed, and keeps nothing it was not told to', () => {
    const reads = new ReadCache();
    reads.put(ann, 's', 'a:x', read('private'));
    reads.forget('t');
    expect(reads.get(ann, 's', 'a:x')).toBeDefined();
    reads.forget('s');
    expect(reads.get(ann, 's', 'a:x')).toBeUndefined();
    reads.put(ann, 's', 'a:x', { kind: 'result', result: Buffer.from('{}') });
    expect(reads.get(ann, 's', 'a:x')).toBeUndefined();
  });
});
