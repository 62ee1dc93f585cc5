import type { ProxyConfig, UpstreamConfig } from '#libs/config';
import { type Era, type Exchange, GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import type { CallSink, UpstreamCall, UpstreamHandle } from '../contract.js';
import type { SessionPool } from '../pool/session-pool.js';
import { isService, type SessionSpec } from '../pool/session-spec.js';
import type { Slot } from '../pool/slot.js';
import { Deadline } from '../session/deadline.js';
import { concernsHealth, type Expiry, expired, formatMs, timedOut, toldTo } from '../session/failures.js';
import { type CallBreaker, failedOnTheWay } from '../supervisor/call-breaker.js';
import type { Health } from '../supervisor/supervisor.js';
import type { Supervision } from '../supervisor/unsupervised.js';
import type { ClientDesk } from './client-desk.js';
import { Drain } from './drain.js';
import { brokenOff, full, mayReplay, toldOf, unavailable } from './explain.js';
import { FIRST_CONNECT_WAIT } from './settings.js';

/** Calls in a row that end in silence until somebody asks whether their session still lives. */
const SILENCES = 3;

/** What running a call needs of its upstream. */
export interface CallRunnerParts {
  readonly server: string;
  readonly enabled: boolean;
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
  /** The session an exchange belongs on, in the era it is sent in. @throws GatewayError REPLICA_STATE */
  spec(exchange: Exchange, era: Era | undefined): SessionSpec;
  health(): Health;
  /** Why the upstream is retired; undefined while it is not. */
  gone(): GatewayError | undefined;
  /** Who serves this upstream's calls when it is retired; undefined while there is nobody. */
  successor(): Pick<UpstreamHandle, 'send'> | undefined;
  /** A call came through on this session. */
  served(slot: Slot): void;
}

/** What is known of a call before it is anywhere. */
type Admitted = Pick<UpstreamCall, 'subject' | 'repeatable' | 'solo' | 'spent'> &
  Partial<Pick<UpstreamCall, 'method' | 'params'>>;
export type Task = (slot: Slot, deadline: Deadline) => Promise<Outcome>;

/** One call on its way. */
interface Run {
  readonly exchange: Exchange;
  readonly call: Admitted;
  readonly task: Task;
  /** Bounds every wait, the call itself, and its repetition. */
  readonly deadline: Deadline;
}

/** Runs calls on the sessions they belong on: admits them, replays what may be replayed, and explains what broke. */
export class CallRunner {
  /** Calls that a retiring upstream waits for. */
  readonly drain = new Drain();

  constructor(private readonly parts: CallRunnerParts) {}

  /**
   * Runs a request on the exchange's session, and once more on a new one when that can do no harm. With a sink it moves to the
   * successor when the upstream is retired before anything was sent.
   */
  async run(exchange: Exchange, call: Admitted, task: Task, era?: Era, sink?: CallSink): Promise<Outcome> {
    const { concurrency, gone, maxTotal, replay, server, spec, supervisor } = this.parts;
    if (this.drain.running >= concurrency) throw toldOf(server, full(server, concurrency));
    const deadline = new Deadline(maxTotal, call.spent);
    const run = { exchange, call, task, deadline };
    this.drain.enter();
    try {
      if (call.spent) this.#inTime(call, deadline);
      if (gone() || !supervisor.serving) await this.#admitted(run);
      const first = await this.#attempt(spec(exchange, era), run);
      if (!(first instanceof GatewayError)) return first;
      // Whoever was asked something would be asked again.
      const harmless = call.repeatable && !deadline.asked && replay === 'idempotent';
      const again = mayReplay(first, harmless) && deadline.left() > 0;
      if (!again || exchange.aborted || gone()) throw brokenOff(server, call.subject, first);
      // It may have come back as a server of the other era.
      const second = await this.#attempt(spec(exchange, era), run);
      if (second instanceof GatewayError) throw brokenOff(server, call.subject, second);
      return second;
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (exchange.aborted) throw error;
      const heir = sink && isWhole(call) && error.notExecuted && this.#heirOf(error);
      // Not waited for: to this upstream the call is over.
      if (heir) return heir.send({ ...call, spent: deadline.total - deadline.left() }, exchange, sink);
      throw toldOf(server, error);
    } finally {
      this.drain.leave();
    }
  }

  /** @throws GatewayError when the upstream is gone, down, or does not come up in time */
  async #admitted({ call, deadline, exchange }: Run): Promise<void> {
    const { server, supervisor, enabled, timeout, health } = this.parts;
    this.#refuseGone();
    if (!enabled) throw unavailable(server, health());
    await supervisor.awaitFirst(deadline.nearer(Math.min(timeout, FIRST_CONNECT_WAIT)).wait, exchange);
    this.#refuseGone();
    if (!supervisor.serving) throw unavailable(server, health());
    this.#inTime(call, deadline);
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
  #inTime(call: Admitted, deadline: Deadline): void {
    if (deadline.left() > 0) return;
    throw timedOut(this.parts.server, call, { limit: 'max_total', milliseconds: deadline.total, sent: false });
  }

  /** Returns the outcome, or the error of a way that broke; throws every other error. */
  async #attempt(spec: SessionSpec, run: Run): Promise<Outcome | GatewayError> {
    const { breaker, pool, desk } = this.parts;
    const { call, deadline, exchange, task } = run;
    const { solo } = call;
    const slot = pool.take(spec, solo) ?? (await this.#wait(spec, solo, run));
    const { epoch } = breaker;
    try {
      const told = desk.serve(slot, exchange, deadline);
      if (told) {
        await told;
        this.#inTime(call, deadline);
      }
      const outcome = await task(slot, deadline);
      breaker.succeeded(epoch, call.subject, slot);
      slot.silences = 0;
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

  async #wait(spec: SessionSpec, solo: boolean, run: Run): Promise<Slot> {
    const { pool, timeout } = this.parts;
    const { call, deadline, exchange } = run;
    const { limit, wait } = deadline.nearer(timeout);
    const milliseconds = limit === 'timeout' ? timeout : deadline.total;
    try {
      const tooLong = () => this.#noSession(call, { limit, milliseconds, sent: false });
      return await pool.wait(spec, solo, { timeout: wait, exchange, tooLong });
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (concernsHealth(error)) this.#look();
      // Whatever else is said of the failure, this call was not sent.
      throw exchange.aborted ? error : toldTo(error, false);
    }
  }

  #noSession(call: Admitted, expiry: Expiry): GatewayError {
    const { poolSize, server } = this.parts;
    const text =
      `${server}: no session was free for ${call.subject} within ${formatMs(expiry.milliseconds)} ` +
      `(connection.${expiry.limit}); connection.pool allows ${poolSize} at a time`;
    return expired(server, call, expiry, text);
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

/** Whether it is all there is to know of a call, so that another upstream can run it. */
function isWhole(call: Admitted): call is UpstreamCall {
  return 'wantsProgress' in call;
}

/** An answer under somebody's own credential is kept for nobody else, whatever the upstream says. */
function forOne(outcome: Outcome): Outcome {
  if (outcome.kind !== 'result' || outcome.freshness?.scope !== 'public') return outcome;
  return { ...outcome, freshness: { ...outcome.freshness, scope: 'private' } };
}
