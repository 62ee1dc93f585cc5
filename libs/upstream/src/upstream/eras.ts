import type { UpstreamConfig } from '#libs/config';
import type { Era, Exchange } from '#libs/kernel';
import type { SessionProfile } from '../pool/session-spec.js';
import { capabilitiesOf } from '../session/capabilities.js';
import type { UpstreamSession } from '../session/upstream-session.js';
import { type EraVerdict, isStale } from './era-probe.js';

const MODERN: SessionProfile = { era: 'modern', stateful: false, attribution: 'request' };

/** Where verdicts come from. The opener fits. */
export interface EraSource {
  readonly verdict: EraVerdict | undefined;
  /** Asks anew; undefined where there is nothing to ask. */
  reprobe(signal: AbortSignal): Promise<EraVerdict | undefined>;
}

/** In which era one upstream is used, by whom, and what its sessions of each era are like. */
export class Eras {
  readonly #config: UpstreamConfig;
  readonly #source: EraSource;
  readonly #profiles = new Map<Era, SessionProfile>();
  readonly #abort = new AbortController();
  #reprobing: Promise<void> | undefined;

  constructor(config: UpstreamConfig, source: EraSource) {
    this.#config = config;
    this.#source = source;
  }

  /** Set when the upstream speaks both eras. */
  get dual(): { readonly stateful: boolean } | undefined {
    const { verdict } = this.#source;
    return verdict?.era === 'modern' ? verdict.dual : undefined;
  }

  /**
   * The client's own era where the upstream speaks both. A legacy server that keeps no sessions cannot ask its client
   * anything, though: clients that can be asked are better served by the modern one.
   */
  of({ client }: Exchange): Era {
    const { dual } = this;
    if (!dual) return this.#only;
    return client.era === 'legacy' && (dual.stateful || capabilitiesOf(client).key === '') ? 'legacy' : 'modern';
  }

  /** Watching needs no session of a client's own: the modern era does it best where there is one. */
  get watching(): Era {
    return this.dual ? 'modern' : this.#only;
  }

  /** A session is open: notes what sessions of its era are like. */
  opened({ attribution, era, stateful }: UpstreamSession): void {
    this.#profiles.set(era, { attribution, era, stateful });
  }

  profile(era: Era): SessionProfile | undefined {
    const known = this.#profiles.get(era);
    if (known) return known;
    if (era === 'modern') return MODERN;
    return this.dual && { era, stateful: this.dual.stateful, attribution: 'request' };
  }

  /**
   * A verdict of yesterday is looked at again, in the background: an upgraded server still answers as it did before.
   * `changed` is told of another era.
   */
  doubt(changed: (now: Era) => void): void {
    const before = this.#source.verdict;
    if (!before || !isStale(before) || this.#reprobing || this.#abort.signal.aborted) return;
    this.#reprobing = this.#source
      .reprobe(this.#abort.signal)
      .then(
        (now) => {
          if (now && now.era !== before.era && !this.#abort.signal.aborted) changed(now.era);
        },
        // No evidence: the old verdict stays.
        () => {},
      )
      .finally(() => {
        this.#reprobing = undefined;
      });
  }

  /** Resolves when nothing is asked any more. */
  async stop(reason: Error): Promise<void> {
    this.#abort.abort(reason);
    await this.#reprobing;
  }

  get #only(): Era {
    return this.#source.verdict?.era ?? (this.#config.protocol === 'modern' ? 'modern' : 'legacy');
  }
}
