import { CallMetrics } from '#libs/plugin';

/** Keeps which limits were reached, and counts nothing else. */
export class RecordedMetrics extends CallMetrics {
  readonly reached: string[] = [];

  limited(key: string): void {
    this.reached.push(key);
  }

  toolCalled(): void {}
  toolFinished(): void {}
  listed(): void {}
  refused(): void {}
  requested(): void {}
  tolerated(): void {}
}
