import type { Due, DueClock, GatewayError, Outcome } from '#libs/kernel';
import type { ReplySink, RequestHandle } from '#libs/plugin';
import { Deadline, type ExpiredLimit } from './deadline.js';
import { timedOut, unread } from './failures.js';
import type { SessionRequest } from './upstream-session.js';

/** Milliseconds after which a call takes long. */
const SLOW = 1_000;

/** What a running call tells the session it runs on. */
export interface CallOwner {
  readonly clock: DueClock;
  onMessage(message: Buffer, call: RunningCall): void;
  onError(error: GatewayError, call: RunningCall): void;
  /** Once, when the call has been running for a while. */
  onSlow(call: RunningCall): void;
  onExpired(limit: ExpiredLimit, call: RunningCall): void;
}

/**
 * A request in flight: its promise, its two limits and what has to be let go when it ends. It waits for the nearer limit; a
 * sign of life only notes the time, which is found out when that is due.
 */
export class RunningCall implements ReplySink, Due {
  readonly outcome: Promise<Outcome>;
  handle: RequestHandle | undefined;
  unsubscribe: (() => void) | undefined;
  seat = -1;
  due = 0;

  readonly #owner: CallOwner;
  readonly #deadline: Deadline;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (error: GatewayError) => void;
  #heard = performance.now();
  #ended = false;
  #slow = false;
  #questions = 0;
  #held = false;

  constructor(
    readonly id: number,
    readonly request: SessionRequest,
    owner: CallOwner,
  ) {
    this.#owner = owner;
    this.#deadline = request.deadline ?? new Deadline(request.maxTotal);
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#wait(this.#heard);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** False when the upstream provably got nothing of the request. */
  get sent(): boolean {
    return this.handle !== undefined && this.handle.started !== false;
  }

  /** Client session this call belongs to. */
  get client(): string | undefined {
    return this.request.caller?.exchange.session?.id;
  }

  onMessage(message: Buffer): void {
    if (this.#ended) return;
    this.alive();
    this.#owner.onMessage(message, this);
  }

  onBytes(): void {
    this.alive();
  }

  onError(error: GatewayError): void {
    if (!this.#ended) this.#owner.onError(error, this);
  }

  /** A sign of life: the inactivity clock starts anew. */
  alive(): void {
    this.#heard = performance.now();
  }

  /** The client does not read what the upstream says, so the upstream has to wait. */
  get held(): boolean {
    return this.#held;
  }

  /** After something was told to the client: lets the upstream wait until that is read, where that stops nobody else. */
  pace(): void {
    const { handle } = this;
    if (this.#held || this.#ended || !handle?.pause) return;
    if (!this.request.caller?.exchange.crowded?.(this.#resume)) return;
    this.#held = true;
    handle.pause();
  }

  readonly #resume = (): void => {
    if (!this.#held) return;
    this.#held = false;
    if (this.#ended) return;
    this.alive();
    this.handle?.resume?.();
  };

  /** While questions are open both clocks stand still. */
  questionOpened(): void {
    this.#deadline.questionOpened();
    if (this.#questions++ === 0) this.#owner.clock.cancel(this);
  }

  questionClosed(): void {
    this.#deadline.questionClosed();
    if (--this.#questions > 0) return;
    this.alive();
    if (!this.#ended) this.#wait(this.#heard);
  }

  /** Milliseconds until the nearer limit; `limit` names it. */
  #remaining(): { readonly limit: ExpiredLimit; readonly wait: number } {
    return this.#deadline.nearer(this.#heard + this.request.timeout - performance.now());
  }

  /** What its caller is told when this limit is reached. */
  expiry(server: string, limit: ExpiredLimit): GatewayError {
    const { request, sent } = this;
    // The upstream was kept from giving any sign of life.
    if (this.#held && limit === 'timeout') return unread(server, request);
    const milliseconds = limit === 'timeout' ? request.timeout : request.maxTotal;
    return timedOut(server, request, { limit, milliseconds, sent });
  }

  #wait(now: number): void {
    const silent = this.#heard + this.request.timeout;
    const nearer = Math.min(silent, now + this.#deadline.left(now));
    this.#owner.clock.set(this, this.#slow ? nearer : Math.min(nearer, now + SLOW));
  }

  onDue(): void {
    const { limit, wait } = this.#remaining();
    if (wait <= 0) {
      this.#owner.onExpired(limit, this);
      return;
    }
    if (!this.#slow) {
      this.#slow = true;
      this.#owner.onSlow(this);
    }
    if (!this.#ended && this.#questions === 0) this.#wait(performance.now());
  }

  /** False when it had ended before. */
  settle(outcome: Outcome): boolean {
    if (!this.#end()) return false;
    this.#resolve(outcome);
    return true;
  }

  fail(error: GatewayError): boolean {
    if (!this.#end()) return false;
    this.#reject(error);
    return true;
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#owner.clock.cancel(this);
    this.unsubscribe?.();
    return true;
  }
}
