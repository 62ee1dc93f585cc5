import type { ObjectRef, Principal } from '#libs/kernel';
import { LIST_KINDS, type ListKind } from '#libs/mcp';
import type { Decide, Decision } from '#libs/plugin';
import { isOffered } from '../entry.js';
import type { EndpointScope } from './scope.js';

const WHOLE_KINDS = ['tool', 'prompt', 'resource'] as const;

const FAILED: Decision = { effect: 'hide', rule: 'the decision failed' };

/** The port, with the rule that an error is a denial. */
export class Decisions {
  constructor(private readonly port: Decide) {}

  get policyVersion(): number {
    return this.port.policyVersion;
  }

  decide(principal: Principal, ref: ObjectRef): Decision {
    try {
      return this.port.decide(principal, ref);
    } catch {
      return FAILED;
    }
  }

  /** Whether this caller may see an object; whether it may use it is asked when it does. */
  shows(principal: Principal, ref: ObjectRef): boolean {
    const { effect } = this.decide(principal, ref);
    return effect === 'allow' || effect === 'challenge';
  }

  /** Callers of one class see the same. One whose class cannot be told is alone in it. */
  classOf(principal: Principal): string {
    try {
      return this.port.classOf(principal);
    } catch {
      return `of ${principal.key}`;
    }
  }

  /** One bit per item of a scope: offered to a client of these capabilities, and allowed to this caller. */
  bitmaps(principal: Principal, scope: EndpointScope, capabilities: string): Record<ListKind, Uint8Array> {
    const bitmaps = {} as Record<ListKind, Uint8Array>;
    for (const kind of LIST_KINDS) {
      const { items } = scope.lists[kind];
      const bits = new Uint8Array(items.length);
      for (const [i, { entry, item }] of items.entries()) {
        const { ref } = item;
        if (isOffered(entry, kind, ref.name, capabilities) && this.shows(principal, ref)) bits[i] = 1;
      }
      bitmaps[kind] = bits;
    }
    return bitmaps;
  }

  /** Whether a caller is shown whatever an upstream offers of one kind: then it may know of one that offers nothing. */
  seesAllOf(principal: Principal, server: string): boolean {
    return WHOLE_KINDS.some((kind) => this.shows(principal, { kind, server, name: '*' }));
  }

  /** Whether a caller may know of an upstream that has not said what it offers. */
  knows(principal: Principal, server: string): boolean {
    try {
      return this.port.mayKnow(principal, server);
    } catch {
      return false;
    }
  }

  /** @see Decide.onChange */
  onChange(listener: () => void): void {
    this.port.onChange(listener);
  }
}
