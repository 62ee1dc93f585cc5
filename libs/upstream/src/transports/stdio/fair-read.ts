import type { Readable } from 'node:stream';

/** A read as large as this says that more is waiting. */
const FULL_READ = 64 * 1024;

/** Reads a pipe, one full buffer per turn of the event loop: a child that floods must not keep the others waiting. */
export function readFairly(pipe: Readable, take: (chunk: Buffer) => void): void {
  pipe.on('data', (chunk: Buffer) => {
    take(chunk);
    if (chunk.length < FULL_READ) return;
    pipe.pause();
    setImmediate(() => pipe.resume());
  });
}
