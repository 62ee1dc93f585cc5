import { ClientPool, type ConnectSettings, type EgressGuard, guardedConnect } from '#libs/egress';
import { DueClock } from '#libs/kernel';
import type { UpstreamTarget } from '#libs/plugin';

const CONTROL_SOCKETS = 8;

/**
 * The sockets to one upstream, shared by all its connections. Three lanes, because requests must never wait for what
 * waits for them: a call that asks its client something ends only when the answer got through, and standing streams
 * hold a socket for as long as they live.
 */
export class OriginPools {
  /** Requests of clients: `connection.pool` sockets. */
  readonly calls: ClientPool;
  /** Notifications, answers, DELETE and the gateway's own requests: short, so few sockets do. */
  readonly control: ClientPool;
  /** Standing and resumed streams; as many as there are connections and open calls, which are bounded elsewhere. */
  readonly streams: ClientPool;
  /**
   * For the time limits of what is told the upstream, and for what standing streams wait for: the next attempt, and the end of
   * their time. A socket under way keeps the process, its limit need not.
   */
  readonly clock = new DueClock({ holds: false });

  constructor(
    /** Path and query of the endpoint there. */
    readonly path: string,
    create: (connections: number | undefined) => ClientPool,
    calls: number,
  ) {
    this.calls = create(calls);
    this.control = create(CONTROL_SOCKETS);
    this.streams = create(undefined);
  }

  /** Lets go of sockets nobody uses, so that what comes next goes on new ones. */
  renew(): void {
    for (const lane of this.#lanes()) lane.renew();
  }

  async destroy(): Promise<void> {
    this.clock.stop();
    await Promise.all(this.#lanes().map((lane) => lane.destroy()));
  }

  #lanes(): ClientPool[] {
    return [this.calls, this.control, this.streams];
  }
}

export class HttpPools {
  readonly #guard: EgressGuard;
  readonly #byTarget = new WeakMap<UpstreamTarget, OriginPools>();

  /** `guard` judges every address that is connected to. */
  constructor(guard: EgressGuard) {
    this.#guard = guard;
  }

  /** Undefined before there was a connection to this target. */
  known(target: UpstreamTarget): OriginPools | undefined {
    return this.#byTarget.get(target);
  }

  of(target: UpstreamTarget): OriginPools {
    let pools = this.#byTarget.get(target);
    if (!pools) {
      const { pathname, search } = new URL(target.url as string);
      pools = new OriginPools(pathname + search, (connections) => this.#create(target, connections), target.pool);
      this.#byTarget.set(target, pools);
    }
    return pools;
  }

  /** What is open and idle may be dead. */
  renew(target: UpstreamTarget): void {
    this.#byTarget.get(target)?.renew();
  }

  /** Closes every socket to this target. */
  async release(target: UpstreamTarget): Promise<void> {
    const pools = this.#byTarget.get(target);
    this.#byTarget.delete(target);
    await pools?.destroy();
  }

  #create(target: UpstreamTarget, connections: number | undefined): ClientPool {
    const connect = guardedConnect(this.#guard, 'operator', connectSettings(target));
    return new ClientPool(new URL(target.url as string).origin, { connections, connect });
  }
}

/** What a socket is opened with; made anew when the target's certificates are others than before. */
function connectSettings(target: UpstreamTarget): () => ConnectSettings {
  let made: { readonly by: UpstreamTarget['tls']; readonly settings: ConnectSettings } | undefined;
  return () => {
    const { connectTimeout: timeout, tls } = target;
    if (made && made.by === tls) return made.settings;
    const material = tls && { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: !tls.insecureSkipVerify };
    made = { by: tls, settings: { timeout, ...material } };
    return made.settings;
  };
}
