import { EMPTY_RESULT, type GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import { Draft, LIST_KINDS } from '#libs/mcp';
import type { ConnectionStatus } from '#libs/plugin';
import { tellChange } from '../changes.js';
import { startedTooLate } from '../failures.js';
import { connectionOf, type Opening, openSession } from '../opening.js';
import type { RunningCall } from '../running-call.js';
import type { SessionOptions } from '../session-options.js';
import type { SessionRequest, UpstreamSession } from '../upstream-session.js';
import { ModernCodec } from './codec.js';
import { mayBeLegacy } from './contradiction.js';
import { DISCOVER, type Discovered, discoveredOf, readDiscovered } from './discovered.js';
import { EraCheck, type EraPort } from './era-check.js';
import { type Bounded, InputLoop } from './input-loop.js';
import { ListenStream } from './listen-stream.js';
import { ModernWire } from './modern-wire.js';
import { type RepairPort, Repairs } from './repairs.js';
import { subscribe, unsubscribe } from './subscribe.js';

/** A stream has no clock. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

type Headers = Readonly<Record<string, string>>;

/** How a request came back: answered, or broken off. */
type Came = Outcome | Error;

export interface ModernSessionOptions extends SessionOptions {
  /** What `server/discover` said; asked for when absent. */
  readonly discovered?: Discovered;
  /** The revision to begin with. */
  readonly version: string;
  /** The upstream speaks the legacy era too. */
  readonly dual: boolean;
  /** How requests are cancelled: by closing their response stream (HTTP) or by a notification (M:cancel). */
  readonly cancelBy: 'stream' | 'notification';
  /** Hears of list changes: the service session does. */
  readonly standing: boolean;
  /** Milliseconds one stream that listens for changes may stay open; for ever when absent. */
  readonly streamLifetime?: number;
  /** The upstream answered like one of the other era. */
  readonly contradicted: () => void;
}

/**
 * Modern requests (2026-07-28) to one upstream under one credential. There is no session on the wire: what is kept is
 * what `server/discover` said, and one stream that listens for changes.
 */
export class ModernSession implements UpstreamSession, EraPort, RepairPort {
  readonly era = 'modern';
  readonly stateful = false;
  readonly dual: boolean;
  readonly http: boolean;
  readonly #options: ModernSessionOptions;
  readonly #wire: ModernWire;
  readonly #listen: ListenStream;
  readonly #loop: InputLoop;
  readonly #eraCheck: EraCheck;
  readonly #repairs: Repairs;
  readonly #codec: ModernCodec;
  #discovered: Discovered | undefined;
  #gone: GatewayError | undefined;

  private constructor(options: ModernSessionOptions) {
    const { discovered, forwarded, gatewayVersion, listener, log, server } = options;
    this.#options = options;
    this.dual = options.dual;
    this.http = options.cancelBy === 'stream';
    this.#discovered = discovered;
    this.#codec = new ModernCodec({
      server,
      gatewayVersion,
      version: discovered?.version ?? options.version,
      forwarded,
    });
    this.#wire = new ModernWire({
      server,
      log,
      codec: this.#codec,
      cancelBy: options.cancelBy,
      clock: options.clock,
      notified: (message, subscription) => {
        if (!tellChange(message, listener)) this.#listen.receive(message, subscription);
      },
      lost: (error) => this.#lose(error),
      limited: (key, worn) => {
        listener.limited(key);
        if (worn) listener.worn(worn);
      },
    });
    this.#listen = new ListenStream({
      server,
      log,
      listener,
      lifetime: options.streamLifetime,
      capabilities: () => this.capabilities,
      open: (filter) => this.#openListen(filter),
      cancel: (call, reason) => this.#wire.giveUp(call, reason),
      refused: () => void this.#eraCheck.doubt(),
      gone: (error) => this.#lose(error),
    });
    this.#eraCheck = new EraCheck(this);
    this.#repairs = new Repairs(this);
    this.#loop = new InputLoop({
      server,
      log,
      send: (request) => this.#send(request),
      completed: (params, client) => listener.elicitationCompleted(params, client),
    });
  }

  /**
   * Connects, and discovers where that has not been done yet.
   * @throws GatewayError UPSTREAM_UNREACHABLE, UPSTREAM_UNAUTHORIZED, UPSTREAM_HTTP, UPSTREAM_PROTOCOL
   */
  static open(options: ModernSessionOptions): Promise<ModernSession> {
    const session = new ModernSession(options);
    const { clock, server, signal, startTimeout: limit } = options;
    const tooSlow = () => startedTooLate(server, DISCOVER.method, limit);
    return openSession(session, server, { signal, limit, clock, tooSlow }, (opening) => session.#open(opening));
  }

  async #open(opening: Opening): Promise<void> {
    const { connect, startTimeout: timeout, standing } = this.#options;
    this.#wire.attach(await connectionOf(connect(this.#wire, opening), opening));
    if (!this.#discovered) {
      const discover = this.#send({ ...DISCOVER, timeout, maxTotal: timeout });
      this.#discovered = discoveredOf(this.server, this.version, await opening.until(discover));
    }
    if (standing) this.#listen.start();
  }

  get server(): string {
    return this.#options.server;
  }

  get version(): string {
    return this.#codec.version;
  }

  get discovered(): boolean {
    return this.#discovered !== undefined;
  }

  get capabilities(): Readonly<Record<string, unknown>> {
    return this.#discovered?.capabilities ?? {};
  }

  get serverInfo(): Readonly<Record<string, unknown>> {
    return this.#discovered?.serverInfo ?? {};
  }

  get instructions(): string | undefined {
    return this.#discovered?.instructions;
  }

  get attribution(): 'request' | 'connection' {
    return this.#wire.attribution;
  }

  get lost(): boolean {
    return this.#gone !== undefined;
  }

  get inFlight(): number {
    // The listen stream is always there; it keeps nobody waiting.
    return Math.max(0, this.#wire.inFlight - this.#listen.open);
  }

  get lastHeard(): number {
    return this.#wire.lastHeard;
  }

  /** Its listen stream stands where it is wanted, from the start. */
  listen(): void {}

  status(): ConnectionStatus {
    return this.#wire.status();
  }

  request(request: SessionRequest): Promise<Outcome> {
    switch (request.method) {
      case 'ping':
        return this.#stillThere(request);
      case 'resources/subscribe':
        return subscribe(this.server, this.#listen, request);
      case 'resources/unsubscribe':
        return Promise.resolve(unsubscribe(this.#listen, request));
      case 'logging/setLevel':
        // Every request says for itself what it wants to hear.
        return Promise.resolve(EMPTY_RESULT);
      default:
        return this.#run(this.#loop.begin(request));
    }
  }

  /** No client notification exists in this revision. */
  async notify(): Promise<void> {}

  async close(reason: GatewayError): Promise<void> {
    this.#gone ??= reason;
    this.#listen.close();
    await this.#wire.close(reason);
  }

  /** Nearly every request is answered with a result at once, and nothing more is to be done about it. */
  #run(request: Bounded): Promise<Outcome> {
    const finish = async (came: Came) => this.#loop.finish(request, await this.#mended(request, came));
    return this.dispatch(request).outcome.then((came) => (came.kind === 'result' ? came : finish(came)), finish);
  }

  /** One request, one response; nothing of the gateway's own envelope left to mend. */
  #send(request: SessionRequest): Promise<Outcome> {
    const mended = (came: Came) => this.#mended(request, came);
    return this.dispatch(request).outcome.then(mended, mended);
  }

  /** One request, one response. */
  leg(request: SessionRequest, paramHeaders?: Headers): Promise<Outcome> {
    const judged = (came: Came) => this.#judged(request, came, paramHeaders);
    return this.dispatch(request, paramHeaders).outcome.then(judged, judged);
  }

  async #mended(request: SessionRequest, came: Came): Promise<Outcome> {
    return await this.#repairs.mend(request, await this.#judged(request, came));
  }

  /** What came of a request, unless it says more of the upstream than of the request. @throws GatewayError */
  async #judged(request: SessionRequest, came: Came, paramHeaders?: Headers): Promise<Outcome> {
    if (!(came instanceof Error)) return await this.#eraCheck.believed(request, came);
    const error = toGatewayError(came);
    if (mayBeLegacy(error)) throw await this.#eraCheck.explained(request, error);
    // The gateway's own requests may run twice: a kept-alive socket that had died must not count as a failure.
    const own = !request.caller && this.attribution === 'request';
    if (error.code !== 'UPSTREAM_DISCONNECTED' || !own || this.#gone) throw error;
    return await this.#eraCheck.believed(request, await this.dispatch(request, paramHeaders).outcome);
  }

  dispatch(request: SessionRequest, paramHeaders: Headers | undefined = request.caller?.paramHeaders): RunningCall {
    return this.#wire.send(request, paramHeaders);
  }

  speak(version: string): void {
    this.#wire.speak(version);
  }

  toolsChanged(): void {
    this.#options.listener.listChanged(['tools']);
  }

  contradicted(error: GatewayError): void {
    if (!this.#gone) this.#options.contradicted();
    this.#lose(error);
  }

  /** The heartbeat of this era: there is no ping, and what discover says may have changed. */
  async #stillThere(request: SessionRequest): Promise<Outcome> {
    const outcome = await this.#send({ ...request, method: DISCOVER.method });
    const found = readDiscovered(outcome);
    if (!found) return outcome;
    const before = JSON.stringify(this.#discovered);
    this.#discovered = found;
    if (before !== JSON.stringify(found)) this.#options.listener.listChanged(LIST_KINDS);
    return EMPTY_RESULT;
  }

  #openListen(filter: string): RunningCall {
    const method = 'subscriptions/listen';
    const params = Draft.of(Buffer.from(`{"notifications":${filter}}`));
    return this.dispatch({ method, params, subject: method, timeout: FOR_EVER, maxTotal: FOR_EVER });
  }

  #lose(error: GatewayError): void {
    if (this.#gone) return;
    this.#gone = error;
    this.#listen.close();
    this.#options.listener.lost(error);
  }
}
