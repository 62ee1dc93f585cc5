import type { ObjectRef, Principal } from '#libs/kernel';
import { LIST_KINDS, type ListKind } from '#libs/mcp';
import type { Decide } from '#libs/plugin';
import { isOffered } from '../entry.js';
import type { EndpointScope } from './scope.js';

/** The port, with the rule that an error is a denial. */
export class Decisions {
  constructor(private readonly decide: Decide) {}

  get policyVersion(): number {
    return this.decide.policyVersion;
  }

  allows(principal: Principal, ref: ObjectRef): boolean {
    try {
      return this.decide.allows(principal, ref) === true;
    } catch {
      return false;
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
        if (isOffered(entry, kind, ref.name, capabilities) && this.allows(principal, ref)) bits[i] = 1;
      }
      bitmaps[kind] = bits;
    }
    return bitmaps;
  }

  /**
   * Whether a caller who sees none of an upstream's things may still know of it: when all of its tools or resources
   * would be allowed, whatever they are called.
   */
  knows(principal: Principal, server: string): boolean {
    return (
      this.allows(principal, { kind: 'tool', server, name: '*' }) ||
      this.allows(principal, { kind: 'resource', server, name: '*' })
    );
  }
}
