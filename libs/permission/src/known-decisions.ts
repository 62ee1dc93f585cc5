import type { ObjectKind, ObjectRef } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import type { Grants } from './grants.js';

/** By the number of the class. */
type ByClass = Map<number, Decision>;

/** What is known of the things of one server, by their names. */
class Things {
  readonly tool = new Map<string, ByClass>();
  readonly prompt = new Map<string, ByClass>();
  readonly resource = new Map<string, ByClass>();
  readonly template = new Map<string, ByClass>();

  of(kind: ObjectKind): Map<string, ByClass> {
    switch (kind) {
      case 'tool':
        return this.tool;
      case 'prompt':
        return this.prompt;
      case 'resource':
        return this.resource;
      case 'template':
        return this.template;
    }
  }
}

/**
 * Decisions by thing and class of callers: found in steps, by the texts a thing has anyway, since a key made of them would cost
 * more than the look-up. Things come first: there are few that many classes use, so that most of the way is the same for
 * all of them. At their bound all are forgotten: each that is missed is made in microseconds.
 */
export class KnownDecisions {
  readonly #servers = new Map<string, Things>();
  #size = 0;

  constructor(private readonly maxDecisions: number) {}

  get size(): number {
    return this.#size;
  }

  get(grants: Grants, { kind, server, name }: ObjectRef): Decision | undefined {
    return this.#servers.get(server)?.of(kind).get(name)?.get(grants.number);
  }

  /** For a thing that has none here. */
  set(grants: Grants, { kind, server, name }: ObjectRef, decision: Decision): void {
    if (this.#size >= this.maxDecisions) {
      this.#servers.clear();
      this.#size = 0;
    }
    let things = this.#servers.get(server);
    if (!things) {
      things = new Things();
      this.#servers.set(server, things);
    }
    const names = things.of(kind);
    const known = names.get(name);
    if (known) known.set(grants.number, decision);
    else names.set(name, new Map([[grants.number, decision]]));
    this.#size += 1;
  }
}
