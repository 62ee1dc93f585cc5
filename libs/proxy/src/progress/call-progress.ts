import type { Ask, Exchange, Seated } from '#libs/kernel';
import { atLeast, editMembers, JsonView, splice, withoutHopMeta } from '#libs/mcp';
import { Rising } from './rising.js';

export interface ProgressSettings {
  readonly exchange: Exchange;
  /** JSON of the client's token. */
  readonly token: Buffer;
  /** What it waits for, as people read it. */
  readonly subject: string;
  /** Whether the caller may still use what it called. */
  readonly permitted: () => boolean;
}

/**
 * The progress of one call as its client hears it: what the upstream reports, and in its silence a sign of life, so that
 * a client whose patience starts anew with each progress does not lose it (L:life, M:prog).
 */
export class CallProgress implements Seated {
  seat = -1;
  readonly #settings: ProgressSettings;
  readonly #started = performance.now();
  readonly #rising = new Rising();
  #told = this.#started;
  #questions = 0;
  /** JSON of the last `total`. */
  #total: Buffer | undefined;

  constructor(settings: ProgressSettings) {
    this.#settings = settings;
  }

  /** Params of a notification of the upstream, without a token. All that is not the gateway's passes as it came. */
  report(params: Buffer): void {
    const { permitted, token } = this.#settings;
    if (!permitted()) return;
    const own = withoutHopMeta(params);
    const view = JsonView.of(own);
    const set: Record<string, Buffer | string> = {};
    const value = view.get('progress')?.value();
    const risen = typeof value === 'number' ? this.#rising.told(value) : undefined;
    if (risen !== value && risen !== undefined) set['progress'] = String(risen);
    set['progressToken'] = token;
    const total = view.get('total');
    this.#total = total?.type === 'number' ? Buffer.from(total.raw()) : undefined;
    this.#send(splice(own, editMembers(view, { set })));
  }

  /** A sign of life where the client has heard nothing for so many milliseconds. */
  beat(interval: number): void {
    const now = performance.now();
    if (this.#questions > 0 || now - this.#told < interval || !this.#settings.permitted()) return;
    const { exchange, subject, token } = this.#settings;
    const members = [`"progressToken":${token}`, `"progress":${this.#rising.beat()}`];
    if (this.#total) members.push(`"total":${this.#total}`);
    if (atLeast(exchange.client.version, '2025-03-26')) {
      const text = `waiting for ${subject} (${Math.round((now - this.#started) / 1000)} s)`;
      members.push(`"message":${JSON.stringify(text)}`);
    }
    this.#send(Buffer.from(`{${members.join(',')}}`));
  }

  /** While a question is open it is the client that the call waits for. */
  during(ask: Ask): Ask {
    let open = true;
    this.#questions++;
    const closed = () => {
      if (!open) return;
      open = false;
      this.#questions--;
      this.#told = performance.now();
    };
    ask.answer.then(closed, closed);
    return {
      answer: ask.answer,
      withdraw: (reason) => {
        closed();
        ask.withdraw(reason);
      },
    };
  }

  #send(params: Buffer): void {
    this.#told = performance.now();
    this.#settings.exchange.notify({ method: 'notifications/progress', params });
  }
}
