import { Pool } from 'undici';
import { type ConnectSettings, type EgressGuard, guardedConnect } from '#libs/egress';
import type { UpstreamTarget } from '#libs/plugin';

/**
 * The sockets to one upstream, shared by all its connections. Three lanes, because requests must never wait for what
 * waits for them: a call that asks its client something ends only when the answer got through, and standing streams
 * hold a socket for as long as they live.
 */
export interface OriginPools {
  /** Requests of clients: `connection.pool` sockets. */
  readonly calls: Pool;
  /** Notifications, answers, DELETE and the gateway's own requests: short, so few sockets do. */
  readonly control: Pool;
  /** Standing and resumed streams; as many as there are connections and open calls, which are bounded elsewhere. */
  readonly streams: Pool;
}

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
      pools = {
        calls: this.#create(target, target.pool),
        control: this.#create(target, CONTROL_SOCKETS),
        streams: this.#create(target, undefined),
      };
      this.#byTarget.set(target, pools);
    }
    return pools;
  }

  /** Closes every socket to this target. */
  async release(target: UpstreamTarget): Promise<void> {
    const pools = this.#byTarget.get(target);
    this.#byTarget.delete(target);
    if (pools) await Promise.all([pools.calls.destroy(), pools.control.destroy(), pools.streams.destroy()]);
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
