import { expect, it } from 'vitest';
import { Revoked } from './revoked.js';

it('remembers as many ended sessions as there is room for, the latest ones', () => {
  const revoked = new Revoked(3);
  const known = () => ['a', 'b', 'c', 'd', 'e'].filter((id) => revoked.has(id)).join('');
  for (const id of ['a', 'b', 'b', 'c']) revoked.add(id);
  expect(known()).toBe('abc');
  revoked.add('a');
  revoked.add('d');
  expect(known()).toBe('bcd');
  revoked.add('a');
  expect(known()).toBe('acd');
  revoked.add('e');
  expect(known()).toBe('ade');
});
