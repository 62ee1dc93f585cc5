import { Injectable } from '@nestjs/common';

/** How long the modern front waits for things, in milliseconds. */
@Injectable()
export class ModernTimes {
  /** For more questions, or for the result, before a client is asked. */
  window = 50;
  /** How long a result is kept that came while nobody waited for it. */
  keep = 60_000;
  /** How long a relayed requestState is good. */
  state = 15 * 60_000;
}
