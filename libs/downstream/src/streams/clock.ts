import { Injectable } from '@nestjs/common';

/** The time, and waiting for it. Tests have one that stands still until it is told to go on. */
@Injectable()
export class Clock {
  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now();
  }

  /** Runs once, so many milliseconds from now; keeps no process alive. Returns the way to call it off. */
  after(milliseconds: number, run: () => void): () => void {
    const timer = setTimeout(run, Math.max(0, milliseconds)).unref();
    return () => clearTimeout(timer);
  }
}
