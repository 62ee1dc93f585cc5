import { createHash } from 'node:crypto';
import type { Mapping } from '#libs/config';
import { isScopeClaim, withImplied } from '#libs/config';
import { type Claims, Lru } from '#libs/kernel';
import { fittingMappings } from './claims.js';

/** Classes remembered at a time. Each is a set of scopes that callers really have. */
const MAX_CLASSES = 1_000;

/** What callers have whose scopes are the same: they get the same answers to everything. */
export interface Grants {
  /** Names the class by its content. */
  readonly key: string;
  /** Of this very object: no other of the same policy has it. */
  readonly number: number;
  /** Scopes from mappings, and all that they imply. */
  readonly scopes: ReadonlySet<string>;
  /** The token's own scopes that count here. */
  readonly held: ReadonlySet<string>;
  /** Whether the class may know of a server; filled as it is asked. */
  readonly known: Map<string, boolean>;
}

/** From claims to the scopes they grant. */
export class Granting {
  readonly #classes = new Lru<string, Grants>(MAX_CLASSES);
  #made = 0;

  constructor(
    readonly mappings: readonly Mapping[],
    readonly implies: Readonly<Record<string, readonly string[]>>,
  ) {}

  of(claims: Claims): Grants {
    const fitting = fittingMappings(claims, this.mappings);
    const scopes = withImplied(
      fitting.flatMap(({ grants }) => grants),
      this.implies,
    );
    const held = new Set(fitting.filter(({ claim }) => isScopeClaim(claim)).map(({ value }) => value));
    const key = classKey(scopes, held);
    let grants = this.#classes.get(key);
    if (!grants) {
      grants = { key, number: this.#made++, scopes, held, known: new Map() };
      this.#classes.set(key, grants);
    }
    return grants;
  }
}

function classKey(scopes: ReadonlySet<string>, held: ReadonlySet<string>): string {
  const content = JSON.stringify([[...scopes].sort(), [...held].sort()]);
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}
