import { ChurnMap, type Due } from '#libs/kernel';
import { LOG_LEVELS, logLevelRank } from '#libs/mcp';
import type { UpstreamSession } from '../session/upstream-session.js';
import type { SessionSpec } from './session-spec.js';

/** Sessions that may stand in for each other, and what clients have asked of them. */
export class SessionGroup {
  slots: readonly Slot[] = [];
  /** Sessions being opened. */
  opening = 0;
  /** Calls waiting for a session of this group. */
  waiting = 0;
  /** Those of them that want a session to themselves. */
  waitingSolo = 0;

  #subscriptions: ChurnMap<string, Set<string>> | undefined;
  #spec: SessionSpec;
  /** Client sessions served here since the group came to be; most groups have but one. */
  #first: string | undefined;
  #others: ChurnMap<string, true> | undefined;
  /** How many of them want each log level. */
  #levels: number[] | undefined;

  constructor(spec: SessionSpec) {
    this.#spec = spec;
  }

  /** Resource subscriptions: URI to client sessions. They live on the first session of the group. */
  get subscriptions(): ChurnMap<string, Set<string>> {
    this.#subscriptions ??= new ChurnMap();
    return this.#subscriptions;
  }

  /** Something is subscribed to. */
  get watching(): boolean {
    return this.#subscriptions !== undefined && this.#subscriptions.size > 0;
  }

  serves(client: string): boolean {
    return this.#first === client || (this.#others?.has(client) ?? false);
  }

  /** True when it was not served here before. */
  serve(client: string): boolean {
    if (this.serves(client)) return false;
    if (this.#first === undefined) this.#first = client;
    else {
      this.#others ??= new ChurnMap();
      this.#others.set(client, true);
    }
    return true;
  }

  /** True when it was served here. */
  release(client: string): boolean {
    if (this.#first !== client) return this.#others?.delete(client) ?? false;
    this.#first = undefined;
    return true;
  }

  /** The one client session served here; undefined when there are none or several. */
  get soleClient(): string | undefined {
    const others = this.#others?.size ?? 0;
    if (this.#first !== undefined) return others === 0 ? this.#first : undefined;
    return others === 1 ? this.#others?.entries()[0]?.[0] : undefined;
  }

  /** A client served here wants log messages of this level, or does not any more. */
  countLevel(level: string, by: 1 | -1): void {
    this.#levels ??= LOG_LEVELS.map(() => 0);
    const rank = logLevelRank(level);
    this.#levels[rank] = (this.#levels[rank] ?? 0) + by;
  }

  /** The least severe level that a client served here wants. */
  get mostVerbose(): string | undefined {
    return this.#levels && LOG_LEVELS[this.#levels.findIndex((count) => count > 0)];
  }

  get spec(): SessionSpec {
    return this.#spec;
  }

  add(slot: Slot): void {
    this.slots = this.slots.concat(slot);
  }

  /** False when it was not there. */
  remove(slot: Slot): boolean {
    if (!this.slots.includes(slot)) return false;
    this.slots = this.slots.filter((other) => other !== slot);
    return true;
  }

  /** The same caller again, perhaps with a younger credential: sessions opened from now on use that one. */
  renew(spec: SessionSpec): void {
    if (spec.personal && spec.key === this.#spec.key) this.#spec = spec;
  }

  /** Made for one exchange, which needs it no more. */
  get disposable(): boolean {
    return this.spec.ephemeral && !this.watching;
  }

  get empty(): boolean {
    return this.slots.length === 0 && this.opening === 0 && this.waiting === 0 && !this.watching;
  }
}

/** One live upstream session in the pool. */
export class Slot implements Due {
  seat = -1;
  due = 0;
  /** Calls running on it, and those of them that want to be alone. */
  running = 0;
  solo = 0;
  /** Milliseconds, monotonic. */
  readonly opened = performance.now();
  lastUsed = this.opened;
  /** Takes no new calls; closed when the last one ends. */
  retiring = false;
  /** Calls in a row that timed out without a word on the session. */
  silences = 0;
  /** Its connection broke under a call. */
  broken = false;
  /** Who is told when it has been unused for the idle time. */
  watch: { look(slot: Slot): void } | undefined;
  #subscribed: ChurnMap<string, true> | undefined;
  /** Log level last sent on it. */
  level: string | undefined;

  constructor(
    readonly group: SessionGroup,
    readonly session: UpstreamSession,
  ) {}

  /** URIs the upstream was asked to watch on this session. */
  get subscribed(): ChurnMap<string, true> {
    this.#subscribed ??= new ChurnMap();
    return this.#subscribed;
  }

  onDue(): void {
    this.watch?.look(this);
  }

  /** Somebody calls on it or has it watch something. */
  get used(): boolean {
    return this.running > 0 || (this.#subscribed?.size ?? 0) > 0;
  }

  get usable(): boolean {
    return !this.retiring && !this.session.lost;
  }
}
