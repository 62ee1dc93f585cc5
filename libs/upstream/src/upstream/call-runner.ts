import { type Era, type Exchange, GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import type { UpstreamCall } from '../contract.js';
import type { SessionPool } from '../pool/session-pool.js';
import type { SessionSpec } from '../pool/session-spec.js';
import type { Slot } from '../pool/slot.js';
import { type CallBreaker, failedOnTheWay } from '../supervisor/call-breaker.js';
import type { Health } from '../supervisor/supervisor.js';
import type { Supervision } from '../supervisor/unsupervised.js';
import type { ClientDesk } from './client-desk.js';
import { Drain } from './drain.js';
import { brokenOff, concernsHealth, full, mayReplay, unavailable } from './explain.js';
import { FIRST_CONNECT_WAIT } from './settings.js';

/** What running a call needs of its upstream. */
export interface CallRunnerParts {
  readonly server: string;
  readonly enabled: boolean;
  /** Milliseconds a call waits for a session. */
  readonly timeout: number;
  /** Most calls at a time, waiting ones included. */
  readonly concurrency: number;
  readonly pool: SessionPool;
  readonly desk: ClientDesk;
  readonly supervisor: Supervision;
  readonly breaker: CallBreaker;
  /** The session an exchange belongs on, in the era it is sent in. @throws GatewayError REPLICA_STATE */
  spec(exchange: Exchange, era: Era | undefined): SessionSpec;
  health(): Health;
  /** Why the upstream is retired; undefined while it is not. */
  gone(): GatewayError | undefined;
  /** A call came through on this session. */
  served(slot: Slot): void;
}

type Repeatable = Pick<UpstreamCall, 'subject' | 'repeatable'>;
type Task = (slot: Slot) => Promise<Outcome>;

/** Runs calls on the sessions they belong on: admits them, replays what may be replayed, and explains what broke. */
export class CallRunner {
  /** Calls that a retiring upstream waits for. */
  readonly drain = new Drain();

  constructor(private readonly parts: CallRunnerParts) {}

  /** Runs a request on the exchange's session, and once more on a new one when that can do no harm. */
  async run(exchange: Exchange, call: Repeatable, task: Task, era?: Era): Promise<Outcome> {
    const { server, supervisor, spec, gone, concurrency } = this.parts;
    if (this.drain.running >= concurrency) throw full(server, concurrency);
    this.drain.enter();
    try {
      if (gone() || !supervisor.serving) await this.#admitted(exchange);
      const first = await this.#attempt(spec(exchange, era), exchange, call, task);
      if (!(first instanceof GatewayError)) return first;
      if (!mayReplay(first, call) || exchange.aborted || gone()) throw brokenOff(server, call.subject, first);
      // It may have come back as a server of the other era.
      const second = await this.#attempt(spec(exchange, era), exchange, call, task);
      if (second instanceof GatewayError) throw brokenOff(server, call.subject, second);
      return second;
    } finally {
      this.drain.leave();
    }
  }

  /** @throws GatewayError when the upstream is gone, down, or does not come up in time */
  async #admitted(exchange: Exchange): Promise<void> {
    const { server, supervisor, enabled, timeout, health } = this.parts;
    this.#refuseGone();
    if (!enabled) throw unavailable(server, health());
    await supervisor.awaitFirst(Math.min(timeout, FIRST_CONNECT_WAIT), exchange);
    this.#refuseGone();
    if (!supervisor.serving) throw unavailable(server, health());
  }

  #refuseGone(): void {
    const gone = this.parts.gone();
    if (gone) throw gone;
  }

  /** Returns the outcome, or the error of a way that broke; throws every other error. */
  async #attempt(spec: SessionSpec, exchange: Exchange, call: Repeatable, task: Task): Promise<Outcome | GatewayError> {
    const { breaker, pool, desk } = this.parts;
    const solo = !call.repeatable;
    const slot = pool.take(spec, solo) ?? (await this.#wait(spec, solo, exchange));
    const { epoch } = breaker;
    try {
      const told = desk.serve(slot, exchange);
      if (told) await told;
      const outcome = await task(slot);
      breaker.succeeded(epoch, call.subject);
      this.parts.served(slot);
      return spec.personal ? forOne(outcome) : outcome;
    } catch (thrown) {
      const error = toGatewayError(thrown);
      this.#judge(error, call.subject, slot, epoch);
      if (!concernsHealth(error)) throw error;
      return error;
    } finally {
      pool.release(slot, solo);
    }
  }

  async #wait(spec: SessionSpec, solo: boolean, exchange: Exchange): Promise<Slot> {
    const { pool, timeout } = this.parts;
    try {
      return await pool.wait(spec, solo, { timeout, exchange });
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (concernsHealth(error)) this.#look();
      throw error;
    }
  }

  /** What the failure of one call says of the upstream. */
  #judge(error: GatewayError, subject: string, slot: Slot, epoch: number): void {
    const failed = failedOnTheWay(error);
    // On a shared stream the connection is gone with its calls, even when its end has not been announced yet: that is
    // one failure, however many were running.
    const lost = error.code === 'UPSTREAM_DISCONNECTED' && slot.session.attribution === 'connection';
    if (failed && !(lost && slot.broken)) this.parts.breaker.failed(epoch, subject, error);
    if (lost) slot.retiring = slot.broken = true;
    if (failed || concernsHealth(error)) this.#look();
  }

  /** Something broke: is the upstream still there? */
  #look(): void {
    if (!this.parts.gone()) this.parts.supervisor.check();
  }
}

/** An answer under somebody's own credential is kept for nobody else, whatever the upstream says. */
function forOne(outcome: Outcome): Outcome {
  if (outcome.kind !== 'result' || outcome.freshness?.scope !== 'public') return outcome;
  return { ...outcome, freshness: { ...outcome.freshness, scope: 'private' } };
}
