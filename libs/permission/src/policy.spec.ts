import { describe, expect, it } from 'vitest';
import { caller, policyOf, thing } from './testing/policies.js';

const MAPPED = {
  claims: ['groups', 'scope', 'scp'],
  mappings: {
    'groups:User': ['user'],
    'groups:Admin': ['admin'],
    'scope:n8n.read': ['read'],
    'scope:n8n.write': ['write'],
    'scp:everything': ['root'],
  },
};
const user = caller({ groups: ['User'] });
const admin = caller({ groups: ['Admin'] });
const both = caller({ groups: ['User', 'Admin'] });
const nobody = caller();

/** What becomes of each caller's question. */
function effects(auth: object, name: string, kind: 'tool' | 'prompt' | 'resource' | 'template' = 'tool') {
  const policy = policyOf({ ...MAPPED, ...auth });
  const effect = (who: typeof user) => policy.decide(who, thing(name, kind)).effect;
  return { user: effect(user), admin: effect(admin), both: effect(both), nobody: effect(nobody) };
}

const ALLOW = 'allow';
const HIDE = 'hide';
const ONLY_USER = { user: ALLOW, admin: HIDE, both: ALLOW, nobody: HIDE };
const ONLY_ADMIN = { user: HIDE, admin: ALLOW, both: ALLOW, nobody: HIDE };
const ONLY_BOTH = { user: HIDE, admin: HIDE, both: ALLOW, nobody: HIDE };
const NOBODY = { user: HIDE, admin: HIDE, both: HIDE, nobody: HIDE };
const EVERYBODY = { user: ALLOW, admin: ALLOW, both: ALLOW, nobody: ALLOW };

describe('scopes', () => {
  it.each([
    [['user'], 'any', ONLY_USER],
    [['user'], 'all', ONLY_USER],
    [['user', 'admin'], 'all', ONLY_BOTH],
    [['user', 'admin'], 'any', { user: ALLOW, admin: ALLOW, both: ALLOW, nobody: HIDE }],
    [['User'], 'any', NOBODY],
  ])('%j of mode %s', (scopes, mode, expected) => {
    expect(effects({ permissions: { 'n8n:*': { scopes, mode } } }, 'n8n:x')).toEqual(expected);
    expect(effects({ permissions: { 'n8n:*': scopes }, options: { scope_mode: mode } }, 'n8n:x')).toEqual(expected);
  });

  it('of an empty list with mode any are nobody’s, and public is everybody’s', () => {
    expect(effects({ permissions: { 'n8n:*': [] } }, 'n8n:x')).toEqual(NOBODY);
    expect(effects({ permissions: { 'n8n:*': { public: true } } }, 'n8n:x')).toEqual(EVERYBODY);
  });

  it('imply others only where it says so, however far and in circles', () => {
    const permissions = { 'n8n:*': ['user'] };
    expect(effects({ permissions, implies: { admin: ['c'], c: ['user', 'admin'] } }, 'n8n:x')).toEqual({
      ...ONLY_USER,
      admin: ALLOW,
    });
    expect(effects({ permissions, implies: { user: ['admin'] } }, 'n8n:x')).toEqual(ONLY_USER);
  });

  it('count one by one for the key whose claim is the longest', () => {
    const policy = policyOf({
      claims: ['a', 'a:b'],
      mappings: { 'a:b:c': ['long'], 'a:x': ['short'] },
      permissions: { 's:long': ['long'], 's:short': ['short'] },
    });
    expect(policy.decide(caller({ 'a:b': 'c' }), thing('s:long')).effect).toBe(ALLOW);
    expect(policy.decide(caller({ a: 'b:c' }), thing('s:long')).effect).toBe(HIDE);
    expect(policy.decide(caller({ a: 'x' }), thing('s:short')).effect).toBe(ALLOW);
  });

  it('T102: of a token that no mapping fits are none at all', () => {
    for (const claims of [{}, { groups: [] }, { groups: 'user' }, { groups: { User: true } }, { roles: ['User'] }]) {
      const policy = policyOf({ ...MAPPED, permissions: { 'n8n:*': ['user'], '*:*': ['admin'] } });
      expect(policy.decide(caller(claims), thing('n8n:x'))).toEqual({ effect: HIDE, rule: 'n8n:*' });
    }
    expect(effects({ permissions: { 'n8n:*': ['user'] } }, 'n8n:x')).toEqual(ONLY_USER);
  });
});

describe('precedence', () => {
  it('T103: a specific rule alone decides, so that who fits the general one is refused', () => {
    const permissions = {
      'n8n:*': ['user'],
      'n8n:delete_*': ['admin'],
      'n8n:delete_all': { scopes: ['user', 'admin'], mode: 'all' },
    };
    expect(effects({ permissions }, 'n8n:get_x')).toEqual(ONLY_USER);
    expect(effects({ permissions }, 'n8n:delete_x')).toEqual(ONLY_ADMIN);
    expect(effects({ permissions }, 'n8n:delete_all')).toEqual(ONLY_BOTH);
  });

  it.each([
    // an exact server comes before every pattern of servers, whatever is said of the tool
    [{ '*:x': ['admin'], 'n8n:*': ['user'] }, ONLY_USER],
    [{ 'n8*:x': ['admin'], '*:x': ['user'] }, ONLY_ADMIN],
    [{ 'n8*:*': ['admin'], '*8n:x': ['user'] }, ONLY_ADMIN],
    [{ '*:*': ['admin'], 'n*:y': ['user'] }, ONLY_ADMIN],
    [{ 'n8n:x': ['admin'], 'n8n:x*': ['user'] }, ONLY_ADMIN],
    [{ 'n8n:*x': ['admin'], 'n8n:*': ['user'] }, ONLY_BOTH],
    [{ 'n8n:x*': ['admin'], 'n8n:x**': ['user'] }, ONLY_BOTH],
    [{ 'n8n:x': ['admin'], 'tools/n8n:x': ['user'] }, ONLY_BOTH],
    [{ '*/n8n:x': ['admin'], 'n8n:x': ['user'] }, ONLY_BOTH],
    [{ 'n8n:x': ['admin'], 'prompts/n8n:x': ['user'] }, ONLY_ADMIN],
  ])('%j', (permissions, expected) => {
    expect(effects({ permissions }, 'n8n:x')).toEqual(expected);
    const turned = Object.fromEntries(Object.entries(permissions).reverse());
    expect(effects({ permissions: turned }, 'n8n:x')).toEqual(expected);
  });

  it('T104: a denial wins over whatever allows, public things included', () => {
    const permissions = { 'n8n:*': { public: true }, 'n8n:x': ['user'] };
    expect(effects({ permissions, deny: ['*:x'] }, 'n8n:x')).toEqual(NOBODY);
    expect(effects({ permissions, deny: ['*:x'] }, 'n8n:y')).toEqual(EVERYBODY);
    expect(effects({ permissions: { '*/n8n:*': ['user'] }, deny: ['prompts/n8n:x'] }, 'n8n:x')).toEqual(ONLY_USER);
    expect(effects({ permissions: { '*/n8n:*': ['user'] }, deny: ['prompts/n8n:x'] }, 'n8n:x', 'prompt')).toEqual(
      NOBODY,
    );
  });
});

describe('what no permission matches', () => {
  it('is nobody’s, or needs the default scope', () => {
    expect(effects({ permissions: { 'a:*': ['user'] } }, 'n8n:x')).toEqual(NOBODY);
    const options = { default_scope: 'user' };
    expect(effects({ permissions: { 'n8n:y': ['admin'] }, options }, 'n8n:x')).toEqual(ONLY_USER);
    expect(effects({ permissions: { 'n8n:x': ['admin'] }, options }, 'n8n:x')).toEqual(ONLY_ADMIN);
    expect(effects({ options }, 'n8n:x')).toEqual(ONLY_USER);
  });

  it('is everybody’s only while nobody authenticates and nothing is permitted', () => {
    const open = (auth: object, oauth: boolean) => policyOf(auth, oauth).decide(nobody, thing('n8n:x')).effect;
    expect(open({}, false)).toBe(ALLOW);
    expect(open({}, true)).toBe(HIDE);
    expect(open({ permissions: { 'a:b': ['c'] } }, false)).toBe(HIDE);
    expect(open({ permissions: { 'n8n:x': { public: true } } }, false)).toBe(ALLOW);
    expect(open({ options: { default_scope: 'user' } }, false)).toBe(HIDE);
    expect(open({ deny: ['n8n:x'] }, false)).toBe(HIDE);
    expect(open({ deny: ['n8n:y'] }, false)).toBe(ALLOW);
  });
});

describe('a pattern', () => {
  it.each([
    ['n8n:*', ['tool']],
    ['tools/n8n:*', ['tool']],
    ['prompts/n8n:*', ['prompt']],
    ['resources/n8n:*', ['resource', 'template']],
    ['templates/n8n:*', ['template']],
    ['*/n8n:*', ['tool', 'prompt', 'resource', 'template']],
    ['*:*', ['tool']],
  ])('%s is about %j', (pattern, kinds) => {
    for (const kind of ['tool', 'prompt', 'resource', 'template'] as const) {
      const expected = kinds.includes(kind) ? ONLY_USER : NOBODY;
      expect(effects({ permissions: { [pattern]: ['user'] } }, 'n8n:file:///a/b', kind)).toEqual(expected);
    }
  });

  it('T091: fits names byte by byte: no other case, no other form of a letter', () => {
    const permissions = { 'n8n:Exécute': ['user'] };
    expect(effects({ permissions }, 'n8n:Exécute')).toEqual(ONLY_USER);
    for (const name of ['n8n:exécute', 'n8n:Exe\u0301cute', 'n8n:Exécute ', 'N8N:Exécute'])
      expect(effects({ permissions }, name)).toEqual(NOBODY);
  });
});

describe('a URI', () => {
  const permissions = { 'resources/fs:*': ['user'], 'resources/fs:file:///secret/*': ['admin'] };

  it.each(['fs:file:///secret/a', 'fs:file:///%73ecret/a', 'fs:FILE:///secret/a', 'fs:file:///%73%65cret%2Fa'])(
    'is held to the stricter rule however it is spelled: %s',
    (uri) => {
      expect(effects({ permissions }, uri, 'resource')).toEqual(ONLY_ADMIN);
      expect(
        effects(
          { permissions: { 'resources/fs:*': ['user'] }, deny: ['resources/fs:file:///secret/*'] },
          uri,
          'resource',
        ),
      ).toEqual(NOBODY);
    },
  );

  it('is granted by its own spelling alone', () => {
    const open = { 'resources/fs:file:///open/*': ['user'] };
    expect(effects({ permissions: open }, 'fs:file:///open/a%20b', 'resource')).toEqual(ONLY_USER);
    expect(effects({ permissions: open }, 'fs:file:///%6fpen/a', 'resource')).toEqual(NOBODY);
    const exact = { 'resources/fs:file:///a%20b': ['user'], 'resources/fs:*': ['admin'] };
    expect(effects({ permissions: exact }, 'fs:file:///a%20b', 'resource')).toEqual(ONLY_USER);
  });
});

describe('step-up', () => {
  const scopesFor = (auth: object, claims: Record<string, unknown>, oauth = true) => {
    const decision = policyOf({ ...MAPPED, ...auth }, oauth).decide(caller(claims), thing('n8n:x'));
    return decision.effect === 'challenge' ? decision.scopes : decision.effect;
  };
  const challenge = (scopes: string[], mode = 'any') => ({
    permissions: { 'n8n:x': { scopes, mode, on_deny: 'challenge' } },
  });

  it('T111: names in the token’s own terms everything that is needed', () => {
    expect(scopesFor(challenge(['write']), { scope: 'n8n.read' })).toEqual(['n8n.write']);
    expect(scopesFor(challenge(['read', 'write'], 'all'), {})).toEqual(['n8n.read', 'n8n.write']);
    expect(scopesFor(challenge(['read', 'write'], 'all'), { scope: 'n8n.read' })).toEqual(['n8n.read', 'n8n.write']);
    expect(scopesFor(challenge(['read', 'write'], 'all'), { scope: 'n8n.read n8n.write' })).toBe(ALLOW);
    expect(scopesFor(challenge(['user', 'write'], 'all'), { groups: 'User' })).toEqual(['n8n.write']);
    expect(scopesFor(challenge(['admin', 'root', 'write']), {})).toEqual(['everything']);
  });

  it('is for what can be asked for only; the rest is hidden', () => {
    expect(scopesFor(challenge(['admin']), {})).toBe(HIDE);
    expect(scopesFor(challenge(['user', 'write'], 'all'), {})).toBe(HIDE);
    expect(scopesFor(challenge(['write']), {}, false)).toBe(HIDE);
    expect(scopesFor({ permissions: { 'n8n:x': ['write'] } }, {})).toBe(HIDE);
    expect(scopesFor({ ...challenge(['write']), deny: ['n8n:*'] }, {})).toBe(HIDE);
  });

  it('asks for what grants a scope before what merely implies it', () => {
    const implies = { root: ['write'] };
    const mappings = { 'scp:everything': ['root'], 'scope:n8n.write': ['write'] };
    expect(scopesFor({ ...challenge(['write']), mappings, implies }, {})).toEqual(['n8n.write']);
    expect(scopesFor({ ...challenge(['write']), mappings: { 'scp:everything': ['root'] }, implies }, {})).toEqual([
      'everything',
    ]);
  });

  it('of equally specific rules needs all of them to be obtainable', () => {
    const rule = (scopes: string[]) => ({ scopes, on_deny: 'challenge' });
    const permissions = { 'n8n:x*': rule(['write']), 'n8n:x**': rule(['read']) };
    expect(scopesFor({ permissions }, {})).toEqual(['n8n.write', 'n8n.read']);
    expect(scopesFor({ permissions }, { scope: 'n8n.read' })).toEqual(['n8n.write', 'n8n.read']);
    expect(scopesFor({ permissions: { ...permissions, 'n8n:x***': ['user'] } }, {})).toBe(HIDE);
    expect(scopesFor({ permissions: { ...permissions, 'n8n:x***': ['user'] } }, { groups: 'User' })).toEqual([
      'n8n.write',
      'n8n.read',
    ]);
  });

  it('leads to a token that is let in', () => {
    const auth = { ...MAPPED, ...challenge(['user', 'read', 'write'], 'all') };
    const policy = policyOf(auth);
    const first = policy.decide(caller({ groups: 'User' }), thing('n8n:x'));
    expect(first.effect).toBe('challenge');
    const scope = first.effect === 'challenge' ? first.scopes.join(' ') : '';
    expect(policy.decide(caller({ groups: 'User', scope }), thing('n8n:x')).effect).toBe(ALLOW);
  });
});

describe('a server', () => {
  const knows = (auth: object, who: typeof user, oauth = true) =>
    policyOf({ ...MAPPED, ...auth }, oauth).mayKnow(who, 'n8n');

  it('is known to whom something of it could be shown, and to nobody else', () => {
    expect(knows({ permissions: { 'n8n:*': ['user'] } }, user)).toBe(true);
    expect(knows({ permissions: { 'n8n:*': ['user'] } }, admin)).toBe(false);
    expect(knows({ permissions: { 'n8n:only_this': ['user'] } }, user)).toBe(true);
    expect(knows({ permissions: { 'prompts/n8n:a*': ['user'] } }, user)).toBe(true);
    expect(knows({ permissions: { '*:a': ['user'] } }, user)).toBe(true);
    expect(knows({ permissions: { 'other:*': ['user'] } }, user)).toBe(false);
    expect(knows({ options: { default_scope: 'user' } }, user)).toBe(true);
    expect(knows({}, user)).toBe(false);
    expect(knows({}, nobody, false)).toBe(true);
  });

  it('is not known through a rule that never decides there', () => {
    const permissions = { '*:*': { public: true }, 'n8n:*': ['admin'] };
    expect(knows({ permissions }, user)).toBe(false);
    expect(knows({ permissions }, admin)).toBe(true);
    expect(knows({ permissions: { 'n8n:*': ['user'] }, deny: ['*:*'] }, user)).toBe(false);
    expect(knows({ permissions: { 'n8n:*': ['user'] }, deny: ['n8n:a*'] }, user)).toBe(true);
    expect(knows({ permissions: { 'n8n:abc': ['user'] }, deny: ['n8n:a*'] }, user)).toBe(false);
  });
});

describe('callers', () => {
  it('with the same scopes are one class, whoever they are and whatever else they carry', () => {
    const policy = policyOf({ ...MAPPED, implies: { admin: ['user'] } });
    const classOf = (claims: Record<string, unknown>) => policy.classOf(caller(claims));
    expect(classOf({ groups: ['User', 'Admin'] })).toBe(classOf({ groups: ['Admin'], name: 'x' }));
    expect(classOf({ groups: ['User'] })).not.toBe(classOf({ groups: ['Admin'] }));
    expect(classOf({})).toBe(classOf({ groups: ['Other'] }));
  });
});

describe('time', () => {
  it('does not grow with the number of rules once a question was asked', () => {
    const permissions = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, i) => [`${i % 2 ? 'n8n' : 's*'}:tool_${i}_*`, ['user']]),
    );
    const large = policyOf({ ...MAPPED, permissions });
    const first = (policy: typeof large) => {
      const started = performance.now();
      for (let i = 0; i < 2_000; i++) policy.decide(user, thing(`n8n:tool_${i}_x`));
      return performance.now() - started;
    };
    expect(large.decide(user, thing('n8n:tool_4999_x'))).toEqual({ effect: ALLOW, rule: 'n8n:tool_4999_*' });
    expect(first(large)).toBeLessThan(1_000);
    expect(first(large)).toBeLessThan(300);
  });
});
