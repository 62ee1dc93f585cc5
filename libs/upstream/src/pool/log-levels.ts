import { ChurnMap, type Log, messageOf } from '#libs/kernel';
import { Draft, JsonView, logLevelRank } from '#libs/mcp';
import type { SessionGroup, Slot } from './slot.js';
import type { RequestFrame } from './subscriptions.js';

/**
 * Log levels by client session. An upstream session hears the most verbose level among the clients it serves; what is
 * too chatty for one of them is filtered here.
 */
export class LogLevels {
  readonly #levels = new ChurnMap<string, string>();

  constructor(
    private readonly server: string,
    private readonly log: Log,
  ) {}

  get size(): number {
    return this.#levels.size;
  }

  /** `groups`: those that serve the client. */
  set(client: string, level: string, groups: Iterable<SessionGroup>): void {
    const before = this.#levels.get(client);
    this.#levels.set(client, level);
    for (const group of groups) {
      if (before !== undefined) group.countLevel(before, -1);
      group.countLevel(level, 1);
    }
  }

  /** A group begins to serve a client. */
  served(group: SessionGroup, client: string): void {
    const level = this.#levels.get(client);
    if (level !== undefined) group.countLevel(level, 1);
  }

  get(client: string): string | undefined {
    return this.#levels.get(client);
  }

  takeOver(previous: LogLevels): void {
    for (const [client, level] of previous.#levels.entries()) this.#levels.set(client, level);
  }

  /** `groups`: those that served the client. True when it had a level. */
  delete(client: string, groups: Iterable<SessionGroup>): boolean {
    const level = this.#levels.get(client);
    if (level === undefined) return false;
    this.#levels.delete(client);
    for (const group of groups) group.countLevel(level, -1);
    return true;
  }

  /** Whether a client wants a log message of this severity; clients that set no level take what comes. */
  wants(client: string | undefined, params: Buffer): boolean {
    const level = client === undefined ? undefined : this.#levels.get(client);
    if (level === undefined) return true;
    const rank = logLevelRank(JsonView.of(params).get('level')?.string());
    return rank < 0 || rank >= logLevelRank(level);
  }

  /** True when the session has to be told another level first. */
  stale(slot: Slot): boolean {
    // Modern requests say for themselves what they want to hear.
    if (this.#levels.size === 0 || slot.session.era === 'modern') return false;
    const level = slot.group.mostVerbose;
    return level !== undefined && level !== slot.level && slot.session.capabilities['logging'] !== undefined;
  }

  /** Tells the session the level its clients need. Never throws: a call must not fail for its log messages. */
  async sync(slot: Slot, frame: RequestFrame): Promise<void> {
    const level = slot.group.mostVerbose;
    if (level === undefined || !this.stale(slot)) return;
    slot.level = level;
    try {
      const params = Draft.of(Buffer.from(JSON.stringify({ level })));
      await slot.session.request({ ...frame, method: 'logging/setLevel', params, subject: 'logging/setLevel' });
    } catch (thrown) {
      slot.level = undefined;
      const fields = { upstream: this.server, level };
      this.log.debug(fields, `${this.server} did not take the log level: ${messageOf(thrown)}`);
    }
  }
}
