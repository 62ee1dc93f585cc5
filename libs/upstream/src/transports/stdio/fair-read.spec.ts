import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readFairly } from './fair-read.js';

it('takes one full buffer per turn of the event loop, and everything in the end', async () => {
  const pipe = new Readable({ read() {} });
  const full = Buffer.alloc(64 * 1024);
  for (let i = 0; i < 20; i++) pipe.push(full);
  pipe.push(Buffer.from('end'));
  pipe.push(null);
  let turn = 0;
  const turns: number[] = [];
  const next = () => {
    turn++;
    if (!pipe.readableEnded) setImmediate(next);
  };
  setImmediate(next);
  let bytes = 0;
  readFairly(pipe, (chunk) => {
    bytes += chunk.length;
    turns.push(turn);
  });
  await new Promise((resolve) => pipe.once('end', resolve));
  expect(bytes).toBe(20 * full.length + 3);
  expect(new Set(turns.slice(0, 20)).size).toBe(20);
});
