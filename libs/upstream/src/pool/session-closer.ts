import { GatewayError } from '#libs/kernel';
import type { IdleChild } from './child-places.js';
import type { CrashLoops } from './crash-loops.js';
import { IdleWatch, oldestIdle } from './idle.js';
import type { SessionLimit } from './session-limit.js';
import { isService } from './session-spec.js';
import type { SessionGroup, Slot } from './slot.js';
import type { Underway } from './underway.js';

export interface CloserPort {
  readonly server: string;
  /** Milliseconds a session may stay unused. */
  readonly idle: number;
  /** Where sessions are child processes: what became of them. */
  readonly crashes: CrashLoops | undefined;
  readonly limit: SessionLimit;
  /** Closings join what is under way. */
  readonly work: Underway;
  /** Nobody used the service session for the idle time; its supervisor decides. Absent where it stays. */
  readonly unused: (() => void) | undefined;
  /** One ended by itself. */
  lost(slot: Slot, error: GatewayError): void;
  /** A group has one session less. */
  left(group: SessionGroup): void;
  /** Another may be opened. */
  room(): void;
}

/** Ends the sessions of a pool: those that are lost, unused, retired or given up leave their group and the count, and are closed. */
export class SessionCloser {
  readonly #port: CloserPort;
  readonly #idle: IdleWatch;
  #end: GatewayError | undefined;

  constructor(port: CloserPort) {
    this.#port = port;
    this.#idle = new IdleWatch({
      idle: port.idle,
      unused: (slot) => (isService(slot.group.spec) ? port.unused?.() : this.dismiss(slot)),
    });
  }

  /** One for all sessions: it says the same of each, and taking a trace costs more than closing one. */
  get ended(): GatewayError {
    this.#end ??= new GatewayError(
      'UPSTREAM_DISCONNECTED',
      `The gateway closed this session with ${this.#port.server}`,
    );
    return this.#end;
  }

  /** It is open, and ends when nobody uses it. */
  watch(slot: Slot): void {
    if (!isService(slot.group.spec) || this.#port.unused) this.#idle.begin(slot);
  }

  readonly onLost = (slot: Slot, error: GatewayError): void => {
    if (!this.#leave(slot)) return;
    this.#noteLoss(slot, error);
    // Other calls may still be running on streams of their own: the last one closes it.
    if (slot.running === 0) this.#close(slot, error);
    this.#port.lost(slot, error);
    this.#port.left(slot.group);
    this.#port.room();
  };

  /** The session unused for longest among these, as far as any may end. */
  oldestIdle(slots: Iterable<Slot>, except?: SessionGroup): IdleChild | undefined {
    const oldest = oldestIdle(slots, except);
    return oldest && { lastUsed: oldest.lastUsed, end: () => this.dismiss(oldest) };
  }

  /** Ends a session that did its work and is not needed any more. */
  dismiss(slot: Slot): void {
    if (slot.usable) this.#port.crashes?.served(slot.group.spec);
    this.drop(slot, this.ended);
  }

  /**
   * Ends a session that is of no use. The cause says nothing of the calls on it: whatever was not executed of a ping that was
   * refused, they may have been.
   */
  discard(slot: Slot, cause: GatewayError): void {
    if (slot.group.slots.includes(slot) && !slot.session.lost) this.#noteLoss(slot, cause);
    const { data, message } = cause;
    this.drop(slot, new GatewayError('UPSTREAM_DISCONNECTED', message, { data, cause }));
  }

  /** Gives a session no new calls, and closes it with its last one. */
  retire(slot: Slot): void {
    slot.retiring = true;
    if (slot.running === 0) this.drop(slot, this.ended);
  }

  /** Ends a session at once; calls on it fail with the reason. */
  drop(slot: Slot, reason: GatewayError): void {
    this.#leave(slot);
    this.#close(slot, reason);
    this.#port.left(slot.group);
  }

  /** No session is left. */
  stop(): void {
    this.#idle.stop();
  }

  /** False when it had left before. */
  #leave(slot: Slot): boolean {
    if (!slot.group.remove(slot)) return false;
    this.#port.limit.tally(slot.group, -1);
    slot.retiring = true;
    this.#idle.end(slot);
    return true;
  }

  #noteLoss(slot: Slot, error: GatewayError): void {
    this.#port.crashes?.lost(slot.group.spec, error, performance.now() - slot.opened);
  }

  #close(slot: Slot, reason: GatewayError): void {
    const { limit, work } = this.#port;
    const counts = limit.closes(slot.group);
    const closed = slot.session.close(reason);
    work.add(counts ? closed.finally(() => this.#closed()) : closed);
  }

  #closed(): void {
    this.#port.limit.closed();
    this.#port.room();
  }
}
