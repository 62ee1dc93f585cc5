import { type Due, DueClock, type GatewayError, toGatewayError, within } from '#libs/kernel';
import type { Connection } from '#libs/plugin';
import { connectionEnded, notOpened } from './failures.js';
import type { UpstreamSession } from './upstream-session.js';

/** Milliseconds a transport has to let go of a connection that was given up while it opened. */
const LATE_CONNECTION = 6_000;

export interface OpeningLimits {
  /** Gives up opening. */
  readonly signal: AbortSignal;
  /** Milliseconds for all of it. */
  readonly limit: number;
  /** Tells when they are over; one of its own when absent. */
  readonly clock?: DueClock | undefined;
  tooSlow(): GatewayError;
}

/** An opening under way, as those see it who do a part of it. */
export interface Opening {
  /** Aborted once the opening is given up. Made for those who look. */
  readonly signal: AbortSignal;
  /** Waits for one step, but no longer than for the opening to be given up: rejects then, whatever becomes of the step. */
  until<T>(step: Promise<T>): Promise<T>;
}

/**
 * Opens a session by such a task. One that does not get open is closed.
 * @throws GatewayError of a session that could not be opened
 */
export async function openSession<S extends Pick<UpstreamSession, 'close' | 'status'>>(
  session: S,
  server: string,
  limits: OpeningLimits,
  task: (opening: Opening) => Promise<void>,
): Promise<S> {
  try {
    await openWithin(limits, task);
    return session;
  } catch (thrown) {
    const error = toGatewayError(thrown);
    await session.close(error);
    throw notOpened(connectionEnded(error, server, session.status().stderr));
  }
}

/**
 * Runs a task that opens something, one step after the other, under a deadline and a signal.
 * @throws GatewayError the signal's reason, `tooSlow`, or what the task threw
 */
export async function openWithin<T>(limits: OpeningLimits, task: (opening: Opening) => Promise<T>): Promise<T> {
  const clock = limits.clock ?? new DueClock();
  const opening = new RunningOpening(limits);
  const end = performance.now() + limits.limit;
  clock.set(opening, end);
  try {
    if (opening.reason) throw opening.reason;
    return await task(opening);
  } catch (thrown) {
    if (opening.reason) throw opening.reason;
    const error = toGatewayError(thrown);
    // A step's own limit, which is over no sooner, may be noticed first.
    throw error.code === 'UPSTREAM_TIMEOUT' && performance.now() >= end ? limits.tooSlow() : error;
  } finally {
    opening.over();
    clock.cancel(opening);
    if (clock !== limits.clock) clock.stop();
  }
}

/** The connection; one that comes when nobody waits any more is not left open, nor does its child outlive the gateway. */
export async function connectionOf(connecting: Promise<Connection>, opening: Opening): Promise<Connection> {
  try {
    return await opening.until(connecting);
  } catch (thrown) {
    await within(
      LATE_CONNECTION,
      connecting.then((late) => late.close()),
    );
    throw thrown;
  }
}

/** Sessions are opened by the thousand: nothing is made here for what nearly never happens. */
class RunningOpening implements Opening, Due {
  seat = -1;
  due = 0;
  /** Why it was given up. */
  reason: GatewayError | undefined;
  readonly #limits: OpeningLimits;
  #controller: AbortController | undefined;
  /** Ends the wait for the present step. */
  #stop: ((reason: GatewayError) => void) | undefined;

  constructor(limits: OpeningLimits) {
    this.#limits = limits;
    const { signal } = limits;
    if (signal.aborted) this.reason = toGatewayError(signal.reason);
    else signal.addEventListener('abort', this, { once: true });
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.reason) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  until<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#stop = reject;
      if (this.reason) reject(this.reason);
      step.then(resolve, reject);
    });
  }

  onDue(): void {
    this.#giveUp(this.#limits.tooSlow());
  }

  /** Of the signal. */
  handleEvent(): void {
    this.#giveUp(toGatewayError(this.#limits.signal.reason));
  }

  over(): void {
    this.#stop = undefined;
    this.#limits.signal.removeEventListener('abort', this);
  }

  #giveUp(reason: GatewayError): void {
    if (this.reason) return;
    this.reason = reason;
    this.#stop?.(reason);
    this.#controller?.abort(reason);
  }
}
