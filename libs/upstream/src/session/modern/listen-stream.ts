import { Backoff, GatewayError, type Log, toGatewayError } from '#libs/kernel';
import { type JsonView, LIST_KINDS, type NotificationMessage } from '#libs/mcp';
import { saidIn } from '../failures.js';
import type { RunningCall } from '../running-call.js';
import type { SessionListener } from '../upstream-session.js';

/** Changes of the filter within this time make one new stream (milliseconds). */
const BATCH = 100;
/** Milliseconds an upstream has to acknowledge. */
const ACKNOWLEDGE = 10_000;
const BACKOFF = { initial: 500, max: 30_000, multiplier: 2 };
/** A stream that lived this long is no sign of a loop. */
const PROVEN = 5_000;

/** Member of the filter for each list, with the capability that announces it. */
const KINDS = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' } as const;

export interface ListenPort {
  readonly server: string;
  readonly log: Log;
  /** Hears what may have been missed while there was no stream, and which limits streams reached. */
  readonly listener: SessionListener;
  /** Milliseconds one stream may stay open; for ever when absent. */
  readonly lifetime: number | undefined;
  capabilities(): Readonly<Record<string, unknown>>;
  /** Sends `subscriptions/listen` with this filter (JSON). */
  open(filter: string): RunningCall;
  cancel(call: RunningCall, reason: GatewayError): void;
  /** It takes no such request: is it still of this era? */
  refused(): void;
  /** Nobody is there any more. */
  gone(error: GatewayError): void;
}

interface Stream {
  readonly call: RunningCall;
  readonly uris: readonly string[];
  readonly opened: number;
  /** URIs the upstream watches; undefined until it has acknowledged. */
  honoured: ReadonlySet<string> | undefined;
  /** The upstream honours nothing of the filter. */
  useless: boolean;
  timer: NodeJS.Timeout | undefined;
}

interface Waiter {
  readonly uri: string;
  resolve(watched: boolean): void;
}

/**
 * The one `subscriptions/listen` stream of a session (M:subs), kept open: list changes, and updates of watched
 * resources. Another filter takes another stream, which is acknowledged before the old one is closed.
 */
export class ListenStream {
  readonly #port: ListenPort;
  readonly #uris = new Set<string>();
  readonly #waiters = new Set<Waiter>();
  #current: Stream | undefined;
  #next: Stream | undefined;
  #plan: NodeJS.Timeout | undefined;
  readonly #backoff = new Backoff(BACKOFF);
  /** The stream was lost: what changed until there is one again was not heard. */
  #missed = false;
  #standing = false;
  #closed = false;

  constructor(port: ListenPort) {
    this.#port = port;
  }

  /** Streams open now. */
  get open(): number {
    return (this.#current ? 1 : 0) + (this.#next ? 1 : 0);
  }

  /** Listens for list changes from now on. */
  start(): void {
    this.#standing = true;
    this.#open();
  }

  /** Watches a resource. Resolves false when the upstream does not. */
  watch(uri: string): Promise<boolean> {
    this.#uris.add(uri);
    if (this.#current?.honoured?.has(uri)) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#waiters.add({ uri, resolve });
      this.#refresh();
    });
  }

  /** Nobody watches it any more, nor waits for that. */
  unwatch(uri: string): void {
    if (!this.#uris.delete(uri)) return;
    this.#answer((waited) => (waited === uri ? false : undefined));
    this.#refresh();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#plan);
    for (const stream of [this.#current, this.#next]) if (stream) this.#end(stream);
    this.#current = undefined;
    this.#next = undefined;
    this.#answer(() => false);
  }

  /** A notification that names one of its streams. */
  receive(message: NotificationMessage, id: number | undefined): void {
    if (message.method !== 'notifications/subscriptions/acknowledged') return;
    const stream = [this.#next, this.#current].find((candidate) => candidate && candidate.call.id === id);
    if (stream && !stream.honoured) this.#acknowledged(stream, message.params?.get('notifications'));
  }

  #refresh(): void {
    if (this.#closed || this.#plan) return;
    this.#plan = setTimeout(() => this.#open(), BATCH);
  }

  #open(): void {
    clearTimeout(this.#plan);
    this.#plan = undefined;
    if (this.#closed) return;
    if (this.#next) this.#end(this.#next);
    this.#next = undefined;
    const uris = [...this.#uris];
    const filter = this.#filter(uris);
    if (filter === undefined) {
      if (this.#current) this.#end(this.#current);
      this.#current = undefined;
      return;
    }
    const call = this.#port.open(filter);
    const opened = performance.now();
    const stream: Stream = { call, uris, opened, honoured: undefined, useless: false, timer: undefined };
    this.#next = stream;
    stream.timer = setTimeout(() => {
      const { server } = this.#port;
      const text = `${server} did not acknowledge subscriptions/listen`;
      this.#port.cancel(call, new GatewayError('UPSTREAM_TIMEOUT', text, { data: { server } }));
    }, ACKNOWLEDGE);
    call.outcome.then(
      (outcome) => {
        if (outcome.kind === 'error') this.#refused(stream, outcome.code, outcome.error);
        else this.#over(stream, undefined);
      },
      (thrown: unknown) => this.#over(stream, toGatewayError(thrown)),
    );
  }

  /** JSON of the filter; undefined when there is nothing to listen for. */
  #filter(uris: readonly string[]): string | undefined {
    const capabilities = this.#port.capabilities();
    const filter: Record<string, unknown> = {};
    for (const [member, capability] of Object.entries(KINDS)) {
      if (this.#standing && capabilities[capability] !== undefined) filter[member] = true;
    }
    if (uris.length > 0) filter['resourceSubscriptions'] = uris;
    return Object.keys(filter).length > 0 ? JSON.stringify(filter) : undefined;
  }

  #acknowledged(stream: Stream, honoured: JsonView | undefined): void {
    clearTimeout(stream.timer);
    const watched = (honoured?.get('resourceSubscriptions')?.items() ?? []).map((item) => item.string() ?? '');
    stream.honoured = new Set(watched);
    stream.useless = (honoured?.members().length ?? 0) === 0;
    const before = this.#current;
    this.#current = stream;
    if (this.#next === stream) this.#next = undefined;
    if (before && before !== stream) this.#end(before);
    this.#answer((uri) => (stream.uris.includes(uri) ? stream.honoured?.has(uri) : undefined));
    stream.timer = this.#renewal();
    if (!this.#missed) return;
    this.#missed = false;
    const { listener } = this.#port;
    listener.listChanged(LIST_KINDS);
    for (const uri of watched) listener.resourceUpdated(uri, Buffer.from(JSON.stringify({ uri })));
  }

  /** The next stream stands before this one goes, so nothing is missed. */
  #renewal(): NodeJS.Timeout | undefined {
    const { lifetime } = this.#port;
    if (lifetime === undefined) return undefined;
    return setTimeout(() => {
      this.#port.listener.limited('limits.stream_lifetime');
      this.#open();
    }, lifetime).unref();
  }

  #refused(stream: Stream, code: number, error: Buffer): void {
    const { log, server } = this.#port;
    const said = saidIn(error);
    // Too many streams: there may be room later. Everything else is an answer.
    const busy = code === -32603;
    this.#over(stream, busy ? new GatewayError('UPSTREAM_BUSY', `${server}: ${said}`) : undefined, !busy);
    if (!busy) log.debug({ upstream: server, code }, `${server} takes no subscriptions/listen: ${said}`);
  }

  #over(stream: Stream, error: GatewayError | undefined, final = false): void {
    clearTimeout(stream.timer);
    // Closed here, for a new one or for good.
    if (stream !== this.#current && stream !== this.#next) return;
    if (stream === this.#current) this.#current = undefined;
    else this.#next = undefined;
    if (this.#closed) return;
    if (error?.code === 'UPSTREAM_UNREACHABLE') {
      this.#port.gone(error);
      return;
    }
    if (error?.code === 'UPSTREAM_TOO_LARGE')
      this.#port.listener.limited(String(error.data['limit']).slice('connection.'.length));
    const status = error?.code === 'UPSTREAM_HTTP' ? Number(error.data['status']) : 0;
    const refused = final || (status >= 400 && status < 500);
    if (refused || stream.useless) {
      this.#answer((uri) => (stream.uris.includes(uri) ? false : undefined));
      if (refused) this.#port.refused();
      return;
    }
    this.#missed ||= stream.honoured !== undefined;
    if (performance.now() - stream.opened > PROVEN) this.#backoff.reset();
    const delay = this.#backoff.next();
    clearTimeout(this.#plan);
    this.#plan = setTimeout(() => this.#open(), delay);
    this.#plan.unref();
  }

  /** Tells those who wait for a URI; undefined leaves them waiting. */
  #answer(watched: (uri: string) => boolean | undefined): void {
    for (const waiter of [...this.#waiters]) {
      const answer = watched(waiter.uri);
      if (answer === undefined) continue;
      this.#waiters.delete(waiter);
      if (!answer) this.#uris.delete(waiter.uri);
      waiter.resolve(answer);
    }
  }

  #end(stream: Stream): void {
    clearTimeout(stream.timer);
    const text = 'The gateway closed this subscription';
    this.#port.cancel(stream.call, new GatewayError('CANCELLED', text));
  }
}
