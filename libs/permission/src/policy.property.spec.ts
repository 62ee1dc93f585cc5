import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesGlob, type ObjectRef } from '#libs/kernel';
import { Policy } from './policy.js';
import { caller, uncheckedConfig } from './testing/policies.js';

const SCOPES = ['s1', 's2', 's3', 's4'];
const CLAIMS = ['groups', 'scope'];
const MAPPINGS = { 'groups:A': ['s1'], 'groups:B': ['s2', 's4'], 'scope:o1': ['s1'], 'scope:o3': ['s3'] };
/** What can be asked for to get a scope. */
const WAYS: Readonly<Record<string, string>> = { s1: 'o1', s3: 'o3' };

const scopes = fc.uniqueArray(fc.constantFrom(...SCOPES), { maxLength: 3 });
const serverPart = fc.constantFrom('a', 'ab', '*', 'a*', '*b');
const objectPart = fc.constantFrom('*', 'x', 'xy', 'x*', '*y', 'x*y', '**', '*x*', 'file:///*', 'file:///x');
const type = fc.constantFrom('', 'tools/', 'prompts/', 'resources/', 'templates/', '*/');
const pattern = fc.tuple(type, serverPart, objectPart).map(([t, s, o]) => `${t}${s}:${o}`);
const rule = fc
  .record({
    scopes,
    mode: fc.constantFrom(null, 'any', 'all'),
    on_deny: fc.constantFrom('hide', 'challenge'),
    public: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  })
  .map((one) => (one.scopes.length === 0 ? { ...one, mode: 'any' } : one));

const policy = fc.record({
  permissions: fc.dictionary(pattern, rule, { maxKeys: 8 }),
  deny: fc.array(pattern, { maxLength: 1 }),
  implies: fc.constantFrom({}, { s1: ['s2'] }, { s2: ['s3'], s3: ['s2'] }),
  options: fc.record({ scope_mode: fc.constantFrom('any', 'all'), default_scope: fc.constantFrom(null, 's1', 's4') }),
});
type Given = typeof policy extends fc.Arbitrary<infer T> ? T : never;

const holder = fc.record({
  groups: fc.subarray(['A', 'B']),
  scope: fc.subarray(['o1', 'o3']).map((held) => held.join(' ')),
});
const object: fc.Arbitrary<ObjectRef> = fc.record({
  kind: fc.constantFrom('tool', 'prompt', 'resource', 'template'),
  server: fc.constantFrom('a', 'ab', 'b'),
  name: fc.constantFrom('x', 'xy', 'y', 'xzy', 'file:///x', 'file:///y'),
});

const compile = (given: Given) => new Policy(uncheckedConfig({ claims: CLAIMS, mappings: MAPPINGS, ...given }));

/** The rules of docs/permissions.md, one after the other, without any thought of speed. */
function expected(
  given: Given,
  claims: { groups: string[]; scope: string },
  { kind, server, name }: ObjectRef,
): string {
  const fits = (text: string) => {
    const [, typed = 'tools', rest = ''] = /^(?:([a-z]+|\*)\/)?([^/]*:.*)$/.exec(text) ?? [];
    const isOfKind = { tools: 'tool', prompts: 'prompt', templates: 'template' }[typed] === kind;
    const isCovered =
      typed === '*' || isOfKind || (typed === 'resources' && (kind === 'resource' || kind === 'template'));
    const colon = rest.indexOf(':');
    return isCovered && matchesGlob(rest.slice(0, colon), server) && matchesGlob(rest.slice(colon + 1), name);
  };
  if (given.deny.some(fits)) return 'hide';
  const had = new Set<string>();
  for (const group of claims.groups) for (const scope of MAPPINGS[`groups:${group}` as 'groups:A']) had.add(scope);
  for (const held of claims.scope.split(' ').filter(Boolean))
    for (const scope of MAPPINGS[`scope:${held}` as 'scope:o1']) had.add(scope);
  for (let round = 0; round < 4; round++) {
    for (const [scope, more] of Object.entries(given.implies))
      if (had.has(scope)) for (const one of more as string[]) had.add(one);
  }
  const rank = (part: string) => (part.includes('*') ? part.indexOf('*') : 1_000);
  const ranks = (text: string) => {
    const plain = text.slice(text.slice(0, text.indexOf(':')).indexOf('/') + 1);
    return [rank(plain.slice(0, plain.indexOf(':'))), rank(plain.slice(plain.indexOf(':') + 1))] as const;
  };
  const matching = Object.entries(given.permissions).filter(([text]) => fits(text));
  const best = matching.map(([text]) => ranks(text)).sort(([a, b], [c, d]) => c - a || d - b)[0];
  if (!best) {
    const { default_scope } = given.options;
    return default_scope !== null && had.has(default_scope) ? 'allow' : 'hide';
  }
  const deciding = matching.filter(([text]) => ranks(text)[0] === best[0] && ranks(text)[1] === best[1]);
  const obtainableBy = (scope: string) =>
    Object.keys(WAYS).some((way) => way === scope || reaches(given.implies as Record<string, string[]>, way, scope));
  const verdicts = deciding.map(([, one]) => {
    if (one.public) return 'allow';
    const mode = one.mode ?? given.options.scope_mode;
    const lacking = one.scopes.filter((scope) => !had.has(scope));
    const passed = mode === 'all' ? lacking.length === 0 && one.scopes.length > 0 : lacking.length < one.scopes.length;
    if (passed) return 'allow';
    const helps = mode === 'all' ? lacking.every(obtainableBy) : lacking.some(obtainableBy);
    return one.on_deny === 'challenge' && helps && one.scopes.length > 0 ? 'challenge' : 'hide';
  });
  if (verdicts.includes('hide')) return 'hide';
  return verdicts.includes('challenge') ? 'challenge' : 'allow';
}

function reaches(implies: Record<string, string[]>, from: string, to: string, depth = 4): boolean {
  const next = Object.hasOwn(implies, from) ? (implies[from] ?? []) : [];
  return depth > 0 && next.some((one) => one === to || reaches(implies, one, to, depth - 1));
}

it('decides as the rules say when they are followed one after the other', () => {
  const seen = { allow: 0, hide: 0, challenge: 0 };
  fc.assert(
    fc.property(policy, holder, fc.array(object, { minLength: 1, maxLength: 6 }), (given, claims, objects) => {
      const compiled = compile(given);
      const who = caller(claims);
      for (const ref of objects) {
        const decision = compiled.decide(who, ref);
        const { effect } = decision;
        expect(effect).toBe(expected(given, claims, ref));
        seen[effect]++;
        if (effect !== 'hide') expect(compiled.mayKnow(who, ref.server)).toBe(true);
        if (decision.effect !== 'challenge') continue;
        // Whoever comes back with what was asked for is let in.
        const scope = [claims.scope, ...decision.scopes].join(' ');
        expect(compiled.decide(caller({ ...claims, scope }), ref).effect).toBe('allow');
      }
    }),
    { numRuns: 2_000 },
  );
  const all = seen.allow + seen.hide + seen.challenge;
  for (const count of [seen.allow, seen.hide]) expect(count / all).toBeGreaterThan(0.2);
  expect(seen.challenge).toBeGreaterThan(50);
});
