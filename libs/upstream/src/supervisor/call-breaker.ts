import { CircuitState, CountBreaker } from 'cockatiel';
import { Backoff, type BackoffSettings, GatewayError } from '#libs/kernel';

export interface BreakerSettings {
  readonly enabled: boolean;
  /** Latest calls that are looked at, and how many there have to be. */
  readonly calls: number;
  readonly minimum: number;
  /** Part of them that has to fail, from 0 to 1. */
  readonly share: number;
  /** Milliseconds of peace between two failures after which what was before is forgotten. */
  readonly window: number;
  /** Milliseconds before the first probe. */
  readonly wait: number;
}

export interface BreakerPort {
  readonly server: string;
  settings(): { readonly breaker: BreakerSettings; readonly retry: BackoffSettings };
  /** The upstream offers one thing only, so that this one speaks for all. */
  single(): boolean;
  /** Calls fail: let none through for `wait()` milliseconds, and then find out. False when none are let through anyway. */
  open(cause: GatewayError, wait: () => number): boolean;
}

export type BreakerState = 'closed' | 'open' | 'half_open';

/** More failing objects, or sessions, than this say nothing new. */
const ENOUGH = 8;

/**
 * The circuit breaker over the calls of one upstream: it sees how calls end, and calls the upstream broken when too many
 * of the latest ones did not come back, although its session answers. One thing that always fails is no broken
 * upstream, so at least two have to; neither is one session while others work. What proves that it is well again is no caller's call but a new service session.
 *
 * The decision is cockatiel's; its policy around each call would cost an AbortController a call.
 */
export class CallBreaker {
  /** Counts up with each fresh start; the end of a call that began before it says nothing of the upstream of today. */
  epoch = 0;
  /** How often it opened. */
  openings = 0;
  readonly #port: BreakerPort;
  readonly #waits: Backoff;
  #settings: BreakerSettings;
  #decider: CountBreaker;
  #state = CircuitState.Closed;
  /** Objects whose latest call failed. */
  readonly #failing = new Set<string>();
  /** Sessions whose latest call failed, and the one that was answered last. */
  readonly #sick = new Set<object>();
  #well: object | undefined;
  #lastFailure = Number.NEGATIVE_INFINITY;
  /** Calls that ended since the fresh start. */
  #ended = 0;

  constructor(port: BreakerPort, random?: () => number) {
    this.#port = port;
    this.#settings = port.settings().breaker;
    this.#decider = deciderOf(this.#settings);
    this.#waits = new Backoff(() => {
      const { breaker, retry } = port.settings();
      return { initial: breaker.wait, max: Math.max(breaker.wait, retry.max), multiplier: retry.multiplier };
    }, random);
  }

  get state(): BreakerState {
    if (this.#state === CircuitState.Open) return 'open';
    return this.#state === CircuitState.HalfOpen ? 'half_open' : 'closed';
  }

  /** A call of this object on this session was answered, with whatever. */
  succeeded(epoch: number, subject: string, session: object): void {
    if (epoch !== this.epoch) return;
    this.#decider.success(this.#state);
    this.#state = CircuitState.Closed;
    this.#well = session;
    if (this.#failing.size > 0) {
      this.#failing.delete(subject);
      this.#sick.delete(session);
    }
    this.#count();
  }

  /** A call of this object on this session did not come back: the way broke, or nothing was heard in time. */
  failed(epoch: number, subject: string, session: object, error: GatewayError): void {
    if (epoch !== this.epoch || this.#state === CircuitState.Open) return;
    this.#renew();
    if (this.#failing.size < ENOUGH) this.#failing.add(subject);
    if (this.#sick.size < ENOUGH) this.#sick.add(session);
    this.#count();
    const broken = this.#decider.failure(this.#state);
    if (!broken || !this.#settings.enabled || this.#isLocal()) return;
    if (!this.#port.open(this.#cause(error), () => this.#waits.next())) return;
    this.#state = CircuitState.Open;
    this.openings++;
  }

  /** Calls go out again: the upstream has proven itself as far as it can without one. */
  restored(): void {
    this.#state = this.#state === CircuitState.Closed ? CircuitState.Closed : CircuitState.HalfOpen;
    this.#begin();
  }

  /** Only one thing fails, or only one session while another works. */
  #isLocal(): boolean {
    if (this.#failing.size < 2 && !this.#port.single()) return true;
    return this.#sick.size < 2 && this.#well !== undefined && !this.#sick.has(this.#well);
  }

  /** As many calls as are looked at, and it stayed closed: it has recovered for good. */
  #count(): void {
    if (++this.#ended === this.#settings.calls) this.#waits.reset();
  }

  /** Forgets failures too old to be held against it, or that were judged by other settings. */
  #renew(): void {
    const { breaker } = this.#port.settings();
    const now = performance.now();
    if (breaker !== this.#settings || now - this.#lastFailure > breaker.window) {
      const { successes } = countsOf(this.#decider);
      this.#settings = breaker;
      this.#decider = deciderOf(breaker);
      for (let n = 0; n < successes; n++) this.#decider.success(CircuitState.Closed);
      this.#forget();
    }
    this.#lastFailure = now;
  }

  #begin(): void {
    this.epoch++;
    this.#ended = 0;
    this.#settings = this.#port.settings().breaker;
    this.#decider = deciderOf(this.#settings);
    this.#well = undefined;
    this.#forget();
  }

  /** Forgets who failed. */
  #forget(): void {
    this.#failing.clear();
    this.#sick.clear();
  }

  #cause(last: GatewayError): GatewayError {
    const { server } = this.#port;
    const { failures, successes } = countsOf(this.#decider);
    const text =
      `${failures} of the last ${failures + successes} calls broke off or timed out (${last.code} at last), ` +
      'so calls are held back (proxy.breaker) until it has proven itself';
    return new GatewayError('UPSTREAM_UNREACHABLE', text, {
      data: { server, breaker: 'open', last: last.code },
      cause: last,
      notExecuted: true,
    });
  }
}

/** Whether a call that ended so failed on the way. What the upstream says itself, and what a caller did, is no failure. */
export function failedOnTheWay({ code, data, notExecuted }: GatewayError): boolean {
  switch (code) {
    case 'UPSTREAM_UNREACHABLE':
    case 'UPSTREAM_DISCONNECTED':
      return true;
    case 'UPSTREAM_TIMEOUT':
      // What waited for a session or a socket says nothing of the upstream's answers.
      return !notExecuted;
    case 'UPSTREAM_HTTP':
      return typeof data['status'] === 'number' && data['status'] >= 500;
    default:
      return false;
  }
}

function countsOf(decider: CountBreaker): { failures: number; successes: number } {
  return decider.state as { failures: number; successes: number };
}

function deciderOf({ calls, minimum, share }: BreakerSettings): CountBreaker {
  return new CountBreaker({ threshold: share, size: calls, minimumNumberOfCalls: Math.min(minimum, calls) });
}
