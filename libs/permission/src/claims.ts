import { isScopeClaim, type Mapping } from '#libs/config';
import { type Claims, isObject } from '#libs/kernel';

/**
 * The texts a claim stands for. An own property of the very name comes first, then a dotted path through own properties of
 * objects. Numbers, objects and whatever else is not text or a truth value stand for nothing, so that no text can be made
 * to look like them.
 */
export function claimTexts(claims: Claims, claim: string): readonly string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : atPath(claims, claim.split('.'));
  if (typeof value === 'boolean') return [String(value)];
  if (typeof value === 'string') return isScopeClaim(claim) ? value.split(' ') : [value];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

/** The mappings whose claim has their value. */
export function fittingMappings(claims: Claims, mappings: readonly Mapping[]): readonly Mapping[] {
  const known = new Map<string, ReadonlySet<string>>();
  return mappings.filter(({ claim, value }) => {
    let texts = known.get(claim);
    if (!texts) {
      texts = new Set(claimTexts(claims, claim));
      known.set(claim, texts);
    }
    return texts.has(value);
  });
}

function atPath(claims: Claims, path: readonly string[]): unknown {
  let value: unknown = claims;
  for (const step of path) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return;
    value = value[step];
  }
  return value;
}
