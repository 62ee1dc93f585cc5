import { Injectable } from '@nestjs/common';
import { GatewayError } from '#libs/kernel';

const KEY = 'proxy.max_children';

/** A session nobody uses, which may be ended to make room for another child. */
export interface IdleChild {
  /** When it was used last (milliseconds, monotonic). */
  readonly lastUsed: number;
  end(): void;
}

/** Who holds children: names the one unused for longest. */
export interface ChildHolder {
  oldestIdle(): IdleChild | undefined;
}

/** One child's place: from before it is started until nothing of its process group is left. */
export interface ChildPlace {
  /** It is being stopped: whoever waits will have its place. */
  ending(): void;
  leave(): void;
}

/**
 * The bound on child processes over all upstreams, those that are only asked for their era included. Who finds no place gets
 * that of the child unused for longest, whosever it is.
 */
@Injectable()
export class ChildPlaces {
  /** `proxy.max_children`; may change at run time. Children that run already stay. */
  limit = Number.POSITIVE_INFINITY;
  readonly #holders = new Set<ChildHolder>();
  readonly #queue = new Set<() => void>();
  #taken = 0;
  #ending = 0;

  /** Children that run, start or end. */
  get taken(): number {
    return this.#taken;
  }

  /** Returns the function that forgets the holder. */
  join(holder: ChildHolder): () => void {
    this.#holders.add(holder);
    return () => this.#holders.delete(holder);
  }

  /**
   * A place for one more child, as soon as there is one.
   * @throws GatewayError UPSTREAM_BUSY when all children are in use; the signal's reason
   */
  async take(server: string, signal: AbortSignal): Promise<ChildPlace> {
    if (this.#taken < this.limit && this.#queue.size === 0) return this.#place();
    // Others wait for the places that become free by themselves.
    if (this.#ending <= this.#queue.size && !this.#makeRoom()) throw this.#full(server);
    await new Promise<void>((resolve, reject) => {
      const give = () => {
        signal.removeEventListener('abort', refuse);
        resolve();
      };
      const refuse = () => {
        this.#queue.delete(give);
        reject(signal.reason);
      };
      signal.addEventListener('abort', refuse, { once: true });
      this.#queue.add(give);
      if (signal.aborted) refuse();
      this.#serve();
    });
    return this.#place(true);
  }

  #place(counted = false): ChildPlace {
    if (!counted) this.#taken++;
    let state: 'running' | 'ending' | 'left' = 'running';
    return {
      ending: () => {
        if (state !== 'running') return;
        state = 'ending';
        this.#ending++;
      },
      leave: () => {
        if (state === 'left') return;
        if (state === 'ending') this.#ending--;
        state = 'left';
        this.#taken--;
        this.#serve();
      },
    };
  }

  /** Whoever is let in is counted at once, before anybody else can look. */
  #serve(): void {
    for (const give of this.#queue) {
      if (this.#taken >= this.limit) return;
      this.#queue.delete(give);
      this.#taken++;
      give();
    }
  }

  #makeRoom(): boolean {
    let oldest: IdleChild | undefined;
    for (const holder of this.#holders) {
      const idle = holder.oldestIdle();
      if (idle && (!oldest || idle.lastUsed < oldest.lastUsed)) oldest = idle;
    }
    oldest?.end();
    return oldest !== undefined;
  }

  #full(server: string): GatewayError {
    const text =
      `${server} cannot be started for this call: the gateway runs ${this.#taken} child processes, all in use, and ${KEY} ` +
      `allows ${this.limit}; try again, raise ${KEY}, or set state: none for servers that keep nothing of their callers`;
    return new GatewayError('UPSTREAM_BUSY', text, {
      data: { server, key: KEY, limit: this.limit },
      notExecuted: true,
    });
  }
}
