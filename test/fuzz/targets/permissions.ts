import fc from 'fast-check';
import { ConfigError, configFrom } from '#libs/config';
import { compileGlob, matchesGlob, type ObjectRef, principal } from '#libs/kernel';
import { Policy } from '#libs/permission';
import { woundedText } from '../gen/bytes.js';
import { jsonValue } from '../gen/json.js';
import { inProcess, must, type Target } from '../target.js';

const PATTERNS = [
  'n8n:*',
  'n8n:read',
  'prompts/n8n:*',
  'resources/n8n:file:///*',
  '*:drop_*',
  '*/n8n:*',
  'templates/x:{a}',
];
const NAMES = [
  'read',
  'read_all',
  'file:///a',
  'file:///%61',
  'FILE:///a',
  'a:b',
  '',
  '*',
  'Exécute',
  '../x',
  '__proto__',
];

const globs = fc.record({
  pattern: fc.oneof(
    fc.array(fc.constantFrom('a', 'b', '*', '.', '\\', '[', '$', 'é', '\n')).map((parts) => parts.join('')),
    woundedText(fc.constantFrom(...PATTERNS), ['*', '**']),
  ),
  text: fc.oneof(
    fc.array(fc.constantFrom('a', 'b', '.', '*', '\n', 'é')).map((parts) => parts.join('')),
    fc.string(),
  ),
  fill: fc.constantFrom(undefined, '', 'a', 'ab.', '*'),
  times: fc.constantFrom(1, 1, 1, 1, 300),
});
type Glob = typeof globs extends fc.Arbitrary<infer T> ? T : never;

/** T092: a star is any run of characters and everything else is itself, in linear time. */
function checkGlob({ pattern, text, fill, times }: Glob): boolean {
  const long = fill === undefined ? text.repeat(times) : pattern.replaceAll('*', fill.repeat(times));
  const stars = pattern.split('*').length - 1;
  const matches = matchesGlob(pattern, long);
  must(compileGlob(pattern)(long) === matches, 'another answer compiled');
  // The reference backtracks: it is asked only what it can answer.
  if (stars > 4 || long.length > 400) return matches;
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  must(new RegExp(`^${parts.join('[^]*?')}$`).test(long) === matches, `matches: ${matches}`);
  return matches;
}

const scopes = fc.array(fc.constantFrom('scope:user', 'scope:admin', '', 'a b', '"'), { maxLength: 2 });
const rule = fc.oneof(
  { weight: 3, arbitrary: scopes },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        scopes,
        mode: fc.constantFrom('any', 'all', 'some'),
        on_deny: fc.constantFrom('hide', 'challenge'),
        public: fc.boolean(),
      },
      { requiredKeys: ['scopes'], noNullPrototype: true },
    ),
  },
  { weight: 1, arbitrary: jsonValue },
);
const pattern = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PATTERNS) },
  { weight: 1, arbitrary: woundedText(fc.constantFrom(...PATTERNS), ['*', ':', '/', 'tools/']) },
);
const cases = fc.record({
  auth: fc.record(
    {
      claims: fc.constantFrom(['groups'], ['groups', 'a.b', 'scope'], ['__proto__'], []),
      mappings: fc.dictionary(fc.constantFrom('groups:A', 'a.b:x', 'scope:o', '__proto__:x', 'groups:'), scopes, {
        maxKeys: 3,
        noNullPrototype: true,
      }),
      permissions: fc.dictionary(pattern, rule, { maxKeys: 4, noNullPrototype: true }),
      deny: fc.array(pattern, { maxLength: 1 }),
      implies: fc.dictionary(fc.constantFrom('scope:user', 'scope:admin', '__proto__'), scopes, {
        maxKeys: 2,
        noNullPrototype: true,
      }),
    },
    { requiredKeys: ['permissions'], noNullPrototype: true },
  ),
  claims: fc.dictionary(
    fc.constantFrom('groups', 'a', 'a.b', 'scope', '__proto__', 'constructor'),
    fc.oneof(jsonValue, fc.constantFrom('A', ['A'], { b: 'x' }, 'o')),
    {
      maxKeys: 4,
      noNullPrototype: true,
    },
  ),
  objects: fc.array(
    fc.record({
      kind: fc.constantFrom('tool', 'prompt', 'resource', 'template'),
      server: fc.constantFrom('n8n', 'x', 'unknown', '__proto__'),
      name: fc.oneof(woundedText(fc.constantFrom(...NAMES)), fc.string({ unit: 'binary' })),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

const OAUTH = { enabled: true, authorization_servers: ['https://idp.example'] };

/** A permission that loads decides about everybody and everything, and for whoever has no scope it never says yes. */
function checkPolicy({ auth, claims, objects }: Case): boolean {
  let policy: Policy;
  try {
    policy = new Policy(configFrom({ auth, oauth: OAUTH }).config);
  } catch (thrown) {
    must(thrown instanceof ConfigError, () => `threw ${(thrown as Error).stack}`);
    return false;
  }
  const somebody = principal('https://idp.example', 'somebody', { claims });
  const nobody = principal('https://idp.example', 'nobody');
  for (const ref of objects as readonly ObjectRef[]) {
    const decision = policy.decide(somebody, ref);
    must(['allow', 'hide', 'challenge'].includes(decision.effect), `decides ${decision.effect}`);
    must(policy.decide(somebody, ref).effect === decision.effect, 'decides otherwise the second time');
    if (decision.effect === 'challenge')
      must(
        decision.scopes.every((it) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(it)),
        'no scope',
      );
    if (decision.effect !== 'hide') must(policy.mayKnow(somebody, ref.server), 'shows something of what it hides');
    if (policy.decide(nobody, ref).effect === 'allow')
      must(isPublic(auth.permissions), 'allows somebody without scopes');
  }
  return true;
}

function isPublic(permissions: Readonly<Record<string, unknown>>): boolean {
  return Object.values(permissions).some((it) => (it as { public?: unknown } | null)?.public === true);
}

export const PERMISSION_TARGETS: readonly Target[] = [
  inProcess('globs', 8, globs, checkGlob),
  inProcess('permissions', 8, cases, checkPolicy),
];
