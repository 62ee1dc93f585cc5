import { type ConnectSettings, type EgressGuard, guardedConnect, Pool } from '#libs/egress';
import type { UpstreamTarget } from '#libs/plugin';

/**
 * The sockets to one upstream, shared by all its connections. Three lanes, because requests must never wait for what
 * waits for them: a call that asks its client something ends only when the answer got through, and standing streams
 * hold a socket for as long as they live.
 */
export class OriginPools {
  /** Requests of clients: `connection.pool` sockets. */
  calls: Pool;
  /** Notifications, answers, DELETE and the gateway's own requests: short, so few sockets do. */
  control: Pool;
  /** Standing and resumed streams; as many as there are connections and open calls, which are bounded elsewhere. */
  streams: Pool;
  readonly #create: (lane: Lane) => Pool;
  /** Take nothing new, and end with what runs on them. */
  readonly #leaving = new Set<Pool>();

  constructor(create: (lane: Lane) => Pool) {
    this.#create = create;
    this.calls = create('calls');
    this.control = create('control');
    this.streams = create('streams');
  }

  /** Lets go of sockets nobody uses, so that what comes next goes on new ones. */
  renew(): void {
    for (const lane of LANES) {
      const pool = this[lane];
      if (pool.stats.free === 0) continue;
      this[lane] = this.#create(lane);
      this.#leaving.add(pool);
      void pool.close().finally(() => this.#leaving.delete(pool));
    }
  }

  async destroy(): Promise<void> {
    await Promise.all([this.calls, this.control, this.streams, ...this.#leaving].map((pool) => pool.destroy()));
  }
}

const LANES = ['calls', 'control', 'streams'] as const;
type Lane = (typeof LANES)[number];

const CONTROL_SOCKETS = 8;

export class HttpPools {
  readonly #guard: EgressGuard;
  readonly #byTarget = new WeakMap<UpstreamTarget, OriginPools>();

  /** `guard` judges every address that is connected to. */
  constructor(guard: EgressGuard) {
    this.#guard = guard;
  }

  of(target: UpstreamTarget): OriginPools {
    let pools = this.#byTarget.get(target);
    if (!pools) {
      const sockets = { calls: target.pool, control: CONTROL_SOCKETS, streams: undefined };
      pools = new OriginPools((lane) => this.#create(target, sockets[lane]));
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

  #create(target: UpstreamTarget, connections: number | undefined): Pool {
    const settings = connectSettings(target);
    return new Pool(new URL(target.url as string).origin, {
      connections: connections ?? null,
      pipelining: 1,
      // Calls are bounded by the one who sends them, and reset by progress: no clock of its own down here.
      headersTimeout: 0,
      bodyTimeout: 0,
      // One socket per running exchange keeps an abort from touching its neighbours.
      allowH2: false,
      connect: guardedConnect(this.#guard, 'operator', settings),
    });
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
