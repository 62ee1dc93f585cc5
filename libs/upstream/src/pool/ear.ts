import type { Ask, GatewayError, InputRequest } from '#libs/kernel';
import type { ListKind } from '#libs/mcp';
import type { SessionListener } from '../session/upstream-session.js';
import type { SessionGroup, Slot } from './slot.js';

/** What a session of a group says outside of calls, see `SessionListener`. */
export interface SessionNews {
  listChanged(group: SessionGroup, kinds: readonly ListKind[]): void;
  resourceUpdated(group: SessionGroup, uri: string, params: Buffer): void;
  logged(group: SessionGroup, params: Buffer): void;
  elicitationCompleted(group: SessionGroup, params: Buffer, client: string | undefined): void;
  asked(group: SessionGroup, request: InputRequest): Ask | undefined;
  limited(key: string): void;
}

/** Takes what one session says to whom it concerns. One object, not a closure for each kind of news: there are many sessions. */
export class Ear implements SessionListener {
  /** Once it is open. */
  slot: Slot | undefined;

  constructor(
    private readonly group: SessionGroup,
    private readonly news: SessionNews,
    private readonly onLost: (slot: Slot, error: GatewayError) => void,
  ) {}

  listChanged(kinds: readonly ListKind[]): void {
    this.news.listChanged(this.group, kinds);
  }

  resourceUpdated(uri: string, params: Buffer): void {
    this.news.resourceUpdated(this.group, uri, params);
  }

  logged(params: Buffer): void {
    this.news.logged(this.group, params);
  }

  elicitationCompleted(params: Buffer, client: string | undefined): void {
    this.news.elicitationCompleted(this.group, params, client);
  }

  asked(request: InputRequest): Ask | undefined {
    return this.news.asked(this.group, request);
  }

  limited(key: string): void {
    this.news.limited(key);
  }

  worn(why: GatewayError): void {
    this.lost(why);
  }

  lost(error: GatewayError): void {
    if (this.slot) this.onLost(this.slot, error);
  }
}
