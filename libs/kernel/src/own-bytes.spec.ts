import { expect, it } from 'vitest';
import { ownBytes } from './own-bytes.js';

it('keeps no more memory than the text has', () => {
  const bytes = ownBytes('{"größe":1}');
  expect(bytes.toString()).toBe('{"größe":1}');
  expect(bytes.buffer.byteLength).toBe(bytes.length);
});
