import { get } from 'node:http';

const EVERY = 1000;

/**
 * Reads the metrics once per second of measured time, however short the windows are: what is left of a second when one
 * window ends is waited for in the next.
 */
export class Scraper {
  readonly #url: string;
  #left = EVERY / 2;
  #failure: string | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** What went wrong, if anything did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Begins; returns what ends it. */
  run(): () => void {
    const from = performance.now();
    const first = this.#left;
    let interval: NodeJS.Timeout | undefined;
    const timeout = setTimeout(() => {
      this.#scrape();
      interval = setInterval(() => this.#scrape(), EVERY);
    }, first);
    return () => {
      clearTimeout(timeout);
      clearInterval(interval);
      const passed = performance.now() - from;
      this.#left = passed < first ? first - passed : EVERY - ((passed - first) % EVERY);
    };
  }

  #scrape(): void {
    const request = get(this.#url, (response) => {
      response.resume();
      if (response.statusCode !== 200) this.#failure = `metrics answered ${response.statusCode}`;
    });
    request.on('error', ({ message }) => {
      this.#failure = message;
    });
  }
}
