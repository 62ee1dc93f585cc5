import { Inject, Injectable, Optional } from '@nestjs/common';
import type { ClientHop, GatewayError } from '#libs/kernel';
import { CallMetrics, GatewayLog } from '#libs/plugin';

/** Lines one kind of failure may add to the log per window: whoever sends nonsense all day must not fill the disk. */
const LINES = 50;
/** Milliseconds. */
const WINDOW = 10_000;

interface Window {
  readonly ends: number;
  lines: number;
}

/** What the front door reports of requests it refuses: one line at the level the catalogue gives, and a count. */
@Injectable()
export class FrontLog {
  /** Replaced by tests. */
  now: () => number = () => performance.now();
  /** By code and server: both are bounded sets. */
  readonly #windows = new Map<string, Window>();

  constructor(
    private readonly log: GatewayLog,
    @Optional() @Inject(CallMetrics) private readonly metrics?: CallMetrics,
  ) {}

  /** A request that is handed on. */
  began({ era, version }: ClientHop): void {
    this.metrics?.requested(era, version);
  }

  /** A request the front door itself refused. `about` is more for the log. */
  failed(error: GatewayError, requestId: string, about: object = {}): void {
    this.metrics?.refused(error.entry.reason);
    this.#write(error, { requestId, ...about });
  }

  /** A request that failed further inside, where it is counted. */
  answered(error: GatewayError, requestId: string, method?: string): void {
    this.#write(error, { requestId, ...(method !== undefined && { method: method.slice(0, 100) }) });
  }

  /** A limit was reached where nobody is told of it. */
  reached(key: string): void {
    this.metrics?.limited(key, '');
  }

  /** What went wrong inside is never left out: strangers cannot cause it at will. */
  #write(error: GatewayError, { requestId, ...about }: { readonly requestId: string }): void {
    const { key, rule } = error.data;
    if (typeof key === 'string') this.metrics?.limited(key, typeof rule === 'string' ? rule : '');
    if (error.code !== 'INTERNAL' && !this.#mayWrite(error)) return;
    this.log[error.entry.level]({ requestId, code: error.code, ...about, ...causeOf(error) }, error.message);
  }

  #mayWrite({ code, data }: GatewayError): boolean {
    const now = this.now();
    const { server } = data;
    const key = `${code} ${typeof server === 'string' ? server : ''}`;
    let window = this.#windows.get(key);
    if (!window || window.ends <= now) {
      const unlogged = (window?.lines ?? 0) - LINES;
      if (unlogged > 0) this.log.warn({ code, server, unlogged }, `${unlogged} more requests failed with ${code}`);
      window = { ends: now + WINDOW, lines: 0 };
      this.#windows.set(key, window);
    }
    return ++window.lines <= LINES;
  }
}

/** Why credentials were refused comes as a text, everything else as an error. */
function causeOf({ cause }: GatewayError): object {
  if (cause === undefined) return {};
  return typeof cause === 'string' ? { reason: cause } : { err: cause };
}
