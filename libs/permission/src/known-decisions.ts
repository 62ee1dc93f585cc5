import type { ObjectKind, ObjectRef } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import type { Grants } from './grants.js';

type ByName = Record<ObjectKind, Map<string, Decision>>;

/**
 * Decisions by class of callers and thing: found in steps, by the texts a thing has anyway, since a key made of them would cost
 * more than the look-up. At their bound all are forgotten: each that is missed is made in microseconds.
 */
export class KnownDecisions {
  readonly #classes = new Map<Grants, Map<string, ByName>>();
  #size = 0;

  constructor(private readonly maxDecisions: number) {}

  get size(): number {
    return this.#size;
  }

  get(grants: Grants, { kind, server, name }: ObjectRef): Decision | undefined {
    return this.#classes.get(grants)?.get(server)?.[kind].get(name);
  }

  /** For a thing that has none here. */
  set(grants: Grants, { kind, server, name }: ObjectRef, decision: Decision): void {
    if (this.#size >= this.maxDecisions) {
      this.#classes.clear();
      this.#size = 0;
    }
    this.#of(grants, server)[kind].set(name, decision);
    this.#size += 1;
  }

  #of(grants: Grants, server: string): ByName {
    let servers = this.#classes.get(grants);
    if (!servers) {
      servers = new Map();
      this.#classes.set(grants, servers);
    }
    let names = servers.get(server);
    if (!names) {
      names = { tool: new Map(), prompt: new Map(), resource: new Map(), template: new Map() };
      servers.set(server, names);
    }
    return names;
  }
}
