import type { ProxyConfig, UpstreamConfig } from '#libs/config';
import { type Era, GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import type { UpstreamHandle } from '../contract.js';
import type { SessionPool } from '../pool/session-pool.js';
import { isService, type SessionSpec } from '../pool/session-spec.js';
import type { Slot } from '../pool/slot.js';
import { concernsHealth, type Expiry, expired, formatMs, timedOut, toldTo } from '../session/failures.js';
import { type CallBreaker, failedOnTheWay } from '../supervisor/call-breaker.js';
import type { Supervision } from '../supervisor/supervision.js';
import type { ClientDesk } from './client-desk.js';
import { Drain } from './drain.js';
import type { Job } from './errand.js';
import { afterFirst, brokenOff, full, mayReplay, toldOf, unavailable } from './explain.js';
import type { Sessions } from './sessions.js';
import { FIRST_CONNECT_WAIT } from './settings.js';

/** Calls in a row that end in silence until somebody asks whether their session still lives. */
const SILENCES = 3;

/** What running a call needs of its upstream. */
export interface CallRunnerParts {
  readonly server: string;
  /** Milliseconds a call waits for a session, and those it may take in all. */
  readonly timeout: number;
  readonly maxTotal: number;
  /** Whether what may have run is sent again when that does no harm. */
  readonly replay: UpstreamConfig['connection']['replay'];
  /** Most sessions at a time, for error texts. */
  readonly poolSize: number;
  /** Most calls at a time, waiting ones included. */
  readonly concurrency: number;
  readonly pool: SessionPool;
  readonly desk: ClientDesk;
  readonly supervisor: Supervision;
  readonly breaker: CallBreaker;
  heartbeat(): ProxyConfig['heartbeat'];
  readonly sessions: Pick<Sessions, 'spec'>;
  /** Why the upstream is retired; undefined while it is not. */
  gone(): GatewayError | undefined;
  /** Who serves this upstream's calls when it is retired; undefined while there is nobody. */
  successor(): Pick<UpstreamHandle, 'send'> | undefined;
  /** A call came through on this session. */
  served(slot: Slot): void;
}

/** Runs calls on the sessions they belong on: admits them, replays what may be replayed, and explains what broke. */
export class CallRunner {
  /** Calls that a retiring upstream waits for. */
  readonly drain = new Drain();

  constructor(private readonly parts: CallRunnerParts) {}

  /**
   * Does a job on the exchange's session, and once more on a new one when that can do no harm. What can move does so when the
   * upstream is retired before anything was sent.
   */
  async run(job: Job, era?: Era): Promise<Outcome> {
    const { breaker, concurrency, gone, pool, server, sessions, supervisor } = this.parts;
    if (this.drain.running >= concurrency) throw toldOf(server, full(server, concurrency));
    const { deadline, exchange, solo } = job;
    let first: GatewayError | undefined;
    this.drain.enter();
    try {
      this.#inTime(job);
      if (gone() || !supervisor.serving) await this.#admitted(job);
      for (;;) {
        // At the second attempt it may have come back as a server of the other era.
        const where = sessions.spec(exchange, era);
        const slot = pool.take(where, solo) ?? (await this.#wait(where, job));
        const { epoch } = breaker;
        try {
          const told = this.parts.desk.serve(slot, exchange, deadline);
          if (told) {
            await told;
            this.#inTime(job);
          }
          return this.#succeeded(await job.perform(slot), job, slot, epoch);
        } catch (thrown) {
          const error = this.#failed(thrown, job, slot, epoch);
          if (first || !this.#mayGoAgain(error, job)) throw brokenOff(server, job.subject, error, first);
          first = error;
        } finally {
          pool.release(slot, solo);
        }
      }
    } catch (thrown) {
      const error = afterFirst(toGatewayError(thrown), first);
      if (exchange.aborted) throw error;
      const heir = error.notExecuted ? this.#heirOf(error) : undefined;
      // Not waited for: to this upstream the call is over.
      if (heir && job.moveTo) return job.moveTo(heir);
      throw toldOf(server, error);
    } finally {
      this.drain.leave();
    }
  }

  /** @throws GatewayError when the upstream is gone, down, or does not come up in time */
  async #admitted(job: Job): Promise<void> {
    const { server, supervisor, timeout } = this.parts;
    const { deadline, exchange } = job;
    this.#refuseGone();
    await supervisor.awaitFirst(deadline.nearer(Math.min(timeout, FIRST_CONNECT_WAIT)).wait, exchange);
    this.#refuseGone();
    if (!supervisor.serving) throw unavailable(server, supervisor.health);
    this.#inTime(job);
  }

  /** Who runs what failed because this upstream was retired. */
  #heirOf(error: GatewayError): Pick<UpstreamHandle, 'send'> | undefined {
    const { gone, successor } = this.parts;
    return error.code === gone()?.code || concernsHealth(error) ? successor() : undefined;
  }

  #refuseGone(): void {
    const gone = this.parts.gone();
    if (gone) throw gone;
  }

  /** Nothing is sent for which there is no time left. */
  #inTime(job: Job): void {
    const { deadline } = job;
    if (deadline.left() > 0) return;
    throw timedOut(this.parts.server, job, { limit: 'max_total', milliseconds: deadline.total, sent: false });
  }

  #succeeded(outcome: Outcome, { subject }: Job, slot: Slot, epoch: number): Outcome {
    this.parts.breaker.succeeded(epoch, subject, slot);
    slot.silences = 0;
    this.parts.served(slot);
    return slot.group.spec.personal ? forOne(outcome) : outcome;
  }

  /** Judges a failure. Returns the error of a way that broke; throws every other. */
  #failed(thrown: unknown, { subject }: Job, slot: Slot, epoch: number): GatewayError {
    const error = toGatewayError(thrown);
    this.#judge(error, subject, slot, epoch);
    if (!concernsHealth(error)) throw error;
    return error;
  }

  #mayGoAgain(error: GatewayError, { deadline, exchange, repeatable }: Job): boolean {
    const { gone, replay } = this.parts;
    // Whoever was asked something would be asked again.
    const harmless = repeatable && !deadline.asked && replay === 'idempotent';
    return mayReplay(error, harmless) && deadline.left() > 0 && !exchange.aborted && !gone();
  }

  async #wait(spec: SessionSpec, job: Job): Promise<Slot> {
    const { pool, timeout } = this.parts;
    const { deadline, exchange, solo } = job;
    const { limit, wait } = deadline.nearer(timeout);
    const milliseconds = limit === 'timeout' ? timeout : deadline.total;
    try {
      const tooLong = () => this.#noSession(job, { limit, milliseconds, sent: false });
      return await pool.wait(spec, solo, { timeout: wait, exchange, tooLong });
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (concernsHealth(error)) this.#look();
      // Whatever else is said of the failure, this call was not sent.
      throw exchange.aborted ? error : toldTo(error, false);
    }
  }

  #noSession(job: Job, expiry: Expiry): GatewayError {
    const { poolSize, server } = this.parts;
    const text =
      `${server}: no session was free for ${job.subject} within ${formatMs(expiry.milliseconds)} ` +
      `(connection.${expiry.limit}); connection.pool allows ${poolSize} at a time`;
    return expired(server, job, expiry, text);
  }

  /** What the failure of one call says of the upstream. */
  #judge(error: GatewayError, subject: string, slot: Slot, epoch: number): void {
    const failed = failedOnTheWay(error);
    // On a shared stream the connection is gone with its calls, even when its end has not been announced yet: that is
    // one failure, however many were running.
    const lost = error.code === 'UPSTREAM_DISCONNECTED' && slot.session.attribution === 'connection';
    if (failed && !(lost && slot.broken)) this.parts.breaker.failed(epoch, subject, slot, error);
    if (lost) slot.retiring = slot.broken = true;
    if (failed && error.code === 'UPSTREAM_TIMEOUT') this.#silent(slot);
    if (failed || concernsHealth(error)) this.#look();
  }

  /**
   * The supervisor watches over its own session only: one of a caller that stays silent through several calls is pinged,
   * and takes no more of them when it does not answer that either.
   */
  #silent(slot: Slot): void {
    const { heartbeat, pool, timeout } = this.parts;
    const { session } = slot;
    if (isService(slot.group.spec) || performance.now() - session.lastHeard < timeout) return;
    if (++slot.silences < SILENCES || !heartbeat().enabled) return;
    slot.silences = 0;
    const patience = heartbeat().timeout;
    const answered = session.request({ method: 'ping', subject: 'ping', timeout: patience, maxTotal: patience });
    answered.catch(() => pool.retire([slot]));
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
