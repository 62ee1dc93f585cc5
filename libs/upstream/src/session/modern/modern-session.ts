import { type DueClock, GatewayError, type Log, type Outcome, toGatewayError } from '#libs/kernel';
import { Draft, LIST_KINDS, LIST_METHODS } from '#libs/mcp';
import type { Connection, ConnectionListener, ConnectionStatus } from '#libs/plugin';
import type { Forwarded } from '../../credentials/forwarded-headers.js';
import { Deadline } from '../deadline.js';
import { connectionEnded, expired, formatMs, notOpened, saidIn, startedTooLate } from '../failures.js';
import { connectionOf, type Opening, openWithin } from '../opening.js';
import type { RunningCall } from '../running-call.js';
import type { SessionListener, SessionRequest, UpstreamSession } from '../upstream-session.js';
import { ModernCodec } from './codec.js';
import { isLegacyAnswer, mayBeLegacy } from './contradiction.js';
import { type Discovered, readDiscovered } from './discovered.js';
import { type Bounded, InputLoop } from './input-loop.js';
import { ListenStream } from './listen-stream.js';
import { ModernWire } from './modern-wire.js';
import { Repairs } from './repairs.js';

const DONE: Outcome = { kind: 'result', result: Buffer.from('{}') };
const DISCOVER = { method: 'server/discover', subject: 'server/discover' };
/** Milliseconds for finding out whether the upstream still is of this era. */
const VERIFY = 10_000;
/** A stream has no clock. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

type Headers = Readonly<Record<string, string>>;

/** How a request came back: answered, or broken off. */
type Came = Outcome | Error;

export interface ModernSessionOptions {
  /** The upstream's configured name. */
  readonly server: string;
  /** Version the gateway gives itself in `clientInfo`. */
  readonly gatewayVersion: string;
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
  /** Milliseconds for connecting and `server/discover` together. */
  readonly startTimeout: number;
  /** Milliseconds one stream that listens for changes may stay open; for ever when absent. */
  readonly streamLifetime?: number;
  readonly listener: SessionListener;
  readonly log: Log;
  /** Opens the transport's connection. */
  readonly connect: (listener: ConnectionListener, opening: Opening) => Promise<Connection>;
  /** Headers of a caller's own request that go along. */
  readonly forwarded?: Forwarded | undefined;
  /** Gives up opening. */
  readonly signal: AbortSignal;
  /** For the time limits of its calls. */
  readonly clock?: DueClock | undefined;
  /** The upstream answered like one of the other era. */
  readonly contradicted: () => void;
}

/**
 * Modern requests (2026-07-28) to one upstream under one credential. There is no session on the wire: what is kept is
 * what `server/discover` said, and one stream that listens for changes.
 */
export class ModernSession implements UpstreamSession {
  readonly era = 'modern';
  readonly stateful = false;
  readonly dual: boolean;
  readonly http: boolean;
  readonly #options: ModernSessionOptions;
  readonly #wire: ModernWire;
  readonly #listen: ListenStream;
  readonly #loop: InputLoop;
  readonly #repairs: Repairs;
  readonly #codec: ModernCodec;
  #discovered: Discovered | undefined;
  #gone: GatewayError | undefined;
  #asking: Promise<boolean> | undefined;

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
        const { method, params } = message;
        const uri = params?.get('uri')?.string();
        const kinds = LIST_KINDS.filter((kind) => LIST_METHODS[kind].changed === method);
        if (kinds.length > 0) listener.listChanged(kinds);
        else if (method !== 'notifications/resources/updated') this.#listen.receive(message, subscription);
        else if (params && uri !== undefined) listener.resourceUpdated(uri, params.raw());
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
      lifetime: options.streamLifetime,
      capabilities: () => this.capabilities,
      open: (filter) => this.#openListen(filter),
      cancel: (call, reason) => this.#wire.giveUp(call, reason),
      resumed: (kinds, uris) => {
        listener.listChanged(kinds);
        for (const uri of uris) listener.resourceUpdated(uri, Buffer.from(JSON.stringify({ uri })));
      },
      refused: () => {
        void this.#isLegacy().then((legacy) => {
          if (legacy) this.#contradicted(new GatewayError('UPSTREAM_PROTOCOL', 'it does not know server/discover'));
        });
      },
      gone: (error) => this.#lose(error),
      limited: (key) => listener.limited(key),
    });
    this.#repairs = new Repairs({
      server,
      send: (request, paramHeaders) => this.#leg(request, paramHeaders),
      speak: (version) => this.#wire.speak(version),
      version: () => this.version,
      toolsChanged: () => listener.listChanged(['tools']),
    });
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
  static async open(options: ModernSessionOptions): Promise<ModernSession> {
    const session = new ModernSession(options);
    const { clock, startTimeout: limit, server, signal } = options;
    const tooSlow = () => {
      const text = `${server} did not finish connecting and server/discover within ${formatMs(limit)} (connection.start_timeout)`;
      return startedTooLate(server, text);
    };
    try {
      await openWithin({ signal, limit, clock, tooSlow }, (opening) => session.#open(opening));
      return session;
    } catch (thrown) {
      const error = toGatewayError(thrown);
      await session.close(error);
      throw notOpened(connectionEnded(error, server, session.status().stderr));
    }
  }

  async #open(opening: Opening): Promise<void> {
    const { connect, startTimeout: timeout, standing } = this.#options;
    this.#wire.attach(await connectionOf(connect(this.#wire, opening), opening));
    if (!this.#discovered) {
      const discover = this.#send({ ...DISCOVER, timeout, maxTotal: timeout });
      this.#discovered = this.#readDiscovered(await opening.until(discover));
    }
    if (standing) this.#listen.start();
  }

  #readDiscovered(outcome: Outcome): Discovered {
    const discovered = readDiscovered(outcome);
    if (discovered) return discovered;
    const { server } = this.#options;
    const said = outcome.kind === 'error' ? `error ${outcome.code} ${saidIn(outcome.error)}` : 'something else';
    const text = `${server} does not speak ${this.version}: it answered server/discover with ${said}; set protocol: auto or legacy`;
    throw new GatewayError('UPSTREAM_PROTOCOL', text, { data: { server } });
  }

  get version(): string {
    return this.#codec.version;
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
        return this.#watch(request);
      case 'resources/unsubscribe':
        this.#listen.unwatch(uriOf(request));
        return Promise.resolve(DONE);
      case 'logging/setLevel':
        // Every request says for itself what it wants to hear.
        return Promise.resolve(DONE);
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
    return this.#dispatch(request).outcome.then((came) => (came.kind === 'result' ? came : finish(came)), finish);
  }

  /** One request, one response; nothing of the gateway's own envelope left to mend. */
  #send(request: SessionRequest): Promise<Outcome> {
    const mended = (came: Came) => this.#mended(request, came);
    return this.#dispatch(request).outcome.then(mended, mended);
  }

  /** One request, one response. */
  #leg(request: SessionRequest, paramHeaders?: Headers): Promise<Outcome> {
    const judged = (came: Came) => this.#judged(request, came, paramHeaders);
    return this.#dispatch(request, paramHeaders).outcome.then(judged, judged);
  }

  async #mended(request: SessionRequest, came: Came): Promise<Outcome> {
    return await this.#repairs.mend(request, await this.#judged(request, came));
  }

  /** What came of a request, unless it says more of the upstream than of the request. @throws GatewayError */
  async #judged(request: SessionRequest, came: Came, paramHeaders?: Headers): Promise<Outcome> {
    if (!(came instanceof Error)) return await this.#believed(request, came);
    const error = toGatewayError(came);
    if (mayBeLegacy(error) && this.#discovered) {
      if (request.method === DISCOVER.method || (await this.#isLegacy())) throw this.#contradicted(error);
      throw error;
    }
    // The gateway's own requests may run twice: a kept-alive socket that had died must not count as a failure.
    const own = !request.caller && this.attribution === 'request';
    if (error.code !== 'UPSTREAM_DISCONNECTED' || !own || this.#gone) throw error;
    return await this.#believed(request, await this.#dispatch(request, paramHeaders).outcome);
  }

  /** Whether the upstream does not even know `server/discover` any more. What breaks on the way proves nothing. */
  #isLegacy(): Promise<boolean> {
    this.#asking ??= this.#dispatch({ ...DISCOVER, timeout: VERIFY, maxTotal: VERIFY })
      .outcome.then(
        (outcome) => outcome.kind === 'error' && isLegacyAnswer(DISCOVER.method, outcome),
        (thrown: unknown) => mayBeLegacy(toGatewayError(thrown)),
      )
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  #dispatch(request: SessionRequest, paramHeaders: Headers | undefined = request.caller?.paramHeaders): RunningCall {
    return this.#wire.send(request, paramHeaders);
  }

  /**
   * An answer only a server of the other era gives ends the session, and shows that the request did not run. A tool may say
   * the same words after it has run, though, so that the server is asked what it is before they are believed.
   */
  async #believed({ method }: SessionRequest, outcome: Outcome): Promise<Outcome> {
    if (outcome.kind !== 'error' || !this.#discovered || !isLegacyAnswer(method, outcome)) return outcome;
    if (method !== DISCOVER.method && !(await this.#isLegacy())) return outcome;
    const { code, error } = outcome;
    throw this.#contradicted(new GatewayError('UPSTREAM_PROTOCOL', `error ${code} ${saidIn(error)}`));
  }

  #contradicted(cause: GatewayError): GatewayError {
    const { contradicted, server } = this.#options;
    const text = `${server} no longer answers like a server of ${this.version}: ${cause.message}`;
    const error = new GatewayError('UPSTREAM_SESSION_LOST', text, { data: { server }, cause, notExecuted: true });
    if (!this.#gone) contradicted();
    this.#lose(error);
    return error;
  }

  /** The heartbeat of this era: there is no ping, and what discover says may have changed. */
  async #stillThere(request: SessionRequest): Promise<Outcome> {
    const outcome = await this.#send({ ...request, method: 'server/discover' });
    const found = readDiscovered(outcome);
    if (!found) return outcome;
    const before = JSON.stringify(this.#discovered);
    this.#discovered = found;
    if (before !== JSON.stringify(found)) this.#options.listener.listChanged(LIST_KINDS);
    return DONE;
  }

  async #watch(request: SessionRequest): Promise<Outcome> {
    const { server } = this.#options;
    const uri = uriOf(request);
    const deadline = request.deadline ?? new Deadline(request.maxTotal);
    const { limit, wait } = deadline.nearer(request.timeout);
    const milliseconds = limit === 'timeout' ? request.timeout : deadline.total;
    const text = `${server} did not acknowledge ${request.subject} within ${formatMs(milliseconds)} (connection.${limit})`;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      const give = () => reject(expired(server, request, { limit, milliseconds, sent: true }, text));
      timer = setTimeout(give, Math.min(wait, 2 ** 31 - 1));
    });
    try {
      if (await Promise.race([this.#listen.watch(uri), tooLong])) return DONE;
    } catch (thrown) {
      // It would be watched for nobody.
      this.#listen.unwatch(uri);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
    const error = JSON.stringify({ code: -32601, message: `${server} does not tell of updates of this resource` });
    return { kind: 'error', code: -32601, error: Buffer.from(error) };
  }

  #openListen(filter: string): RunningCall {
    const method = 'subscriptions/listen';
    const params = Draft.of(Buffer.from(`{"notifications":${filter}}`));
    return this.#dispatch({ method, params, subject: method, timeout: FOR_EVER, maxTotal: FOR_EVER });
  }

  #lose(error: GatewayError): void {
    if (this.#gone) return;
    this.#gone = error;
    this.#listen.close();
    this.#options.listener.lost(error);
  }
}

function uriOf(request: SessionRequest): string {
  return request.params?.string('uri') ?? '';
}
