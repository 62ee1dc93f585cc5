import { type Era, GatewayError } from '#libs/kernel';
import { LIST_KINDS, type ListKind } from '#libs/mcp';
import type { SessionPool } from '../pool/session-pool.js';
import { isService } from '../pool/session-spec.js';
import type { SessionGroup, Slot } from '../pool/slot.js';
import type { UpstreamSession } from '../session/upstream-session.js';
import type { Supervision } from '../supervisor/supervision.js';
import type { ClientDesk } from './client-desk.js';
import type { Eras } from './eras.js';
import type { Lists } from './lists.js';

export interface SessionChangesParts {
  readonly server: string;
  readonly pool: SessionPool;
  readonly eras: Eras;
  readonly lists: Lists;
  readonly desk: ClientDesk;
  readonly supervisor: Supervision;
  /** The upstream is retired. */
  gone(): boolean;
  /** The status is another one. */
  changed(): void;
}

/** What it means for the rest of an upstream that a session opens, offers other things, is lost, or has to go. */
export class SessionChanges {
  readonly #parts: SessionChangesParts;
  /** A session was lost: the next one may find other lists. */
  #replacing = false;

  constructor(parts: SessionChangesParts) {
    this.#parts = parts;
  }

  opened(slot: Slot): void {
    const { desk, eras, lists, supervisor } = this.#parts;
    eras.opened(slot.session);
    if (isService(slot.group.spec)) {
      this.#retireOthers(slot.session);
      supervisor.wake();
    }
    if (this.#replacing) {
      supervisor.listChanged(LIST_KINDS);
      lists.expire();
    }
    this.#replacing = false;
    desk.opened(slot);
    void lists.opened(slot);
    this.#changed(slot);
  }

  listChanged(group: SessionGroup, kinds: readonly ListKind[]): void {
    const { lists, supervisor } = this.#parts;
    supervisor.listChanged(kinds);
    lists.changed(group);
  }

  lost(slot: Slot, error: GatewayError): void {
    const { desk, supervisor } = this.#parts;
    this.#replacing = true;
    supervisor.sessionLost(slot, error);
    desk.lost(slot);
    this.#changed(slot);
  }

  /**
   * What is only worn lets its calls finish: the last one closes it. Nor does that a session is forgotten say anything of
   * requests whose answers come on streams of their own.
   */
  discard(slot: Slot, cause: GatewayError): void {
    const { pool } = this.#parts;
    const own = slot.session.attribution === 'request';
    if (own && cause.code === 'UPSTREAM_SESSION_LOST') pool.retire([slot]);
    else if (slot.running === 0 || slot.usable || slot.session.lost) pool.discard(slot, cause);
  }

  /** Lists were looked at and the upstream is well: a good moment to renew what was lost, and to look at other lists. */
  tended(): void {
    const { desk, eras, lists, pool } = this.#parts;
    desk.restore();
    lists.renew(pool.slots());
    eras.doubt((era) => this.#eraChanged(era));
  }

  #eraChanged(era: Era): void {
    const { gone, pool, server, supervisor } = this.#parts;
    if (gone()) return;
    const text = `${server} speaks the ${era} era now; connecting again`;
    const service = [...pool.slots()].find(({ group }) => isService(group.spec));
    if (service) supervisor.sessionLost(service, new GatewayError('UPSTREAM_SESSION_LOST', text));
  }

  /** Sessions of an era the upstream speaks no more take no new calls. */
  #retireOthers(service: UpstreamSession): void {
    const { pool } = this.#parts;
    if (service.dual) return;
    pool.retire([...pool.slots()].filter(({ session }) => session.era !== service.era));
  }

  /** Sessions of callers that are no child and no stream come and go by thousands, and the status is the same with them. */
  #changed({ group, session }: Slot): void {
    if (isService(group.spec) || session.attribution === 'connection') this.#parts.changed();
  }
}
