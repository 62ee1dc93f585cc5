import type { RateLimitConfig } from '#libs/config';
import type { Limiter, LimitStore } from '../store/limit-store.js';
import { isAboutCaller, matcherOf, nameOf, type Rule, specOf } from './rule.js';
import { Slots } from './slots.js';

/**
 * The rules of one configuration. Rules that are in the next one too take their counters with them: what was used stays used.
 * Running calls are counted per `key` and `match`, so a new `concurrency` of the same rule counts those that run already.
 */
export class RuleSet {
  /** Rules about callers only. */
  readonly caller: readonly Rule[];
  /** Rules that are, or may be, about a thing too. */
  readonly target: readonly Rule[];
  /** Whether some rule counts running calls. */
  readonly hasPlaces: boolean;
  readonly #limiters = new Map<string, Limiter>();
  readonly #slots = new Map<string, Slots>();

  constructor(settings: readonly RateLimitConfig[], store: LimitStore, previous?: RuleSet) {
    const rules = settings.map((rule) => this.#compile(rule, store, previous));
    this.caller = rules.filter((rule) => isAboutCaller(rule.settings));
    this.target = rules.filter((rule) => !isAboutCaller(rule.settings));
    this.hasPlaces = rules.some(({ slots }) => slots !== undefined);
  }

  get empty(): boolean {
    return this.caller.length === 0 && this.target.length === 0;
  }

  #compile(settings: RateLimitConfig, store: LimitStore, previous: RuleSet | undefined): Rule {
    const { key, match, concurrency } = settings;
    const spec = specOf(settings);
    const slots =
      concurrency === null
        ? undefined
        : kept(JSON.stringify([key, match]), this.#slots, previous ? previous.#slots : undefined, () => new Slots());
    return {
      settings,
      name: nameOf(settings),
      matches: matcherOf(settings),
      limiter:
        spec &&
        kept(spec.id, this.#limiters, previous ? previous.#limiters : undefined, (id) =>
          store.limiter({ ...spec, id }),
        ),
      slots,
    };
  }
}

/** What the previous rules have of this id; equal rules of one configuration are told apart by their order. */
function kept<T>(id: string, now: Map<string, T>, before: Map<string, T> | undefined, make: (id: string) => T): T {
  let unique = id;
  for (let copy = 2; now.has(unique); copy++) unique = `${id} ${copy}`;
  const value = before?.get(unique) ?? make(unique);
  now.set(unique, value);
  return value;
}
