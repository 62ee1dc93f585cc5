import { describe, expect, it } from 'vitest';
import { principal } from '#libs/kernel';
import { relayedCapabilities } from '../session/capabilities.js';
import { exchangeOf } from '../testing/callers.js';
import { effectiveState, SERVICE, specFor } from './session-spec.js';

const legacy = { era: 'legacy' as const, dual: false };
const common = { type: 'none', personal: false, identity: '' };
const personal = { type: 'token-exchange', personal: true, identity: '' };
const shared = { credential: common, sharedAnonymous: true, ...legacy };
const strangers = { credential: common, sharedAnonymous: false, ...legacy };
const alice = principal('issuer', 'alice');

describe('relayed capabilities', () => {
  it.each([
    [{}, '', {}],
    [{ elicitation: {} }, 'ef', { elicitation: {} }],
    [{ elicitation: { form: {} } }, 'ef', { elicitation: {} }],
    [{ elicitation: { url: {} } }, 'eu', { elicitation: { url: {} } }],
    [{ elicitation: { url: {}, form: {} } }, 'efu', { elicitation: { form: {}, url: {} } }],
    [{ sampling: { tools: {}, context: {}, other: {} } }, 'stc', { sampling: { tools: {}, context: {} } }],
    [{ roots: { listChanged: true } }, 'rl', { roots: { listChanged: true } }],
    [{ roots: { listChanged: 'yes' } }, 'r', { roots: {} }],
    [{ elicitation: true, sampling: [], roots: null, tasks: {}, experimental: {} }, '', {}],
  ])('of %j have key %s', (declared, key, json) => {
    const found = relayedCapabilities(declared);
    expect(found.key).toBe(key);
    expect(JSON.parse(found.json)).toEqual(json);
  });
});

describe('state: auto', () => {
  it.each([
    ['stdio', { stateful: false, attribution: 'connection' as const }, 'user'],
    ['sse', { stateful: false, attribution: 'connection' as const }, 'user'],
    ['streamable-http', { stateful: true, attribution: 'request' as const }, 'session'],
    ['streamable-http', { stateful: false, attribution: 'request' as const }, 'none'],
    ['in-process', { stateful: false, attribution: 'connection' as const }, 'none'],
  ])('of %s %j is %s', (type, profile, state) => {
    expect(effectiveState('auto', type, { era: 'legacy', ...profile })).toBe(state);
  });

  it('of a modern upstream is none, whatever its transport', () => {
    const profile = { era: 'modern' as const, stateful: false, attribution: 'connection' as const };
    expect(effectiveState('auto', 'stdio', profile)).toBe('none');
  });

  it('never overrules the configuration', () => {
    expect(effectiveState('user', 'in-process', undefined)).toBe('user');
  });
});

describe('the session of an exchange', () => {
  const key = (...args: Parameters<typeof specFor>) => specFor(...args).key;
  const asking = { sampling: {} };

  it('none: one per set of capabilities, whoever calls', () => {
    const [a, b] = [exchangeOf({ session: 'a' }), exchangeOf({ session: 'b', principal: alice })];
    expect(specFor('none', a, strangers)).toBe(SERVICE);
    expect(specFor('none', b, strangers)).toBe(SERVICE);
    const c = exchangeOf({ session: 'a', capabilities: asking });
    const d = exchangeOf({ session: 'b', capabilities: asking, principal: alice });
    expect(key('none', c, strangers)).toBe(key('none', d, strangers));
    expect(key('none', c, strangers)).not.toBe(SERVICE.key);
    expect(specFor('none', c, strangers).shared).toBe(true);
  });

  it('none: a credential that may differ per user is never shared between users', () => {
    const exchange = (who: typeof alice) => exchangeOf({ session: 'a', principal: who });
    const perUser = { credential: personal, sharedAnonymous: false, ...legacy };
    const bob = principal('issuer', 'bob');
    expect(key('none', exchange(alice), perUser)).not.toBe(key('none', exchange(bob), perUser));
    expect(specFor('none', exchange(alice), perUser).personal?.principal).toBe(alice);
  });

  it.each(['none', 'user', 'session'] as const)(
    '%s: callers the upstream takes for different people share nothing, although the gateway knows them as one',
    (policy) => {
      const as = (identity: string) => ({ ...shared, credential: { ...personal, identity } });
      const exchange = exchangeOf({ session: 'a', capabilities: asking });
      expect(key(policy, exchange, as('x'))).not.toBe(key(policy, exchange, as('y')));
      expect(key(policy, exchange, as('x'))).toBe(key(policy, exchange, as('x')));
    },
  );

  it('user: one per principal; anonymous callers are apart unless the listener is loopback', () => {
    const [a, b] = [exchangeOf({ session: 'a' }), exchangeOf({ session: 'b' })];
    expect(key('user', a, shared)).toBe(key('user', b, shared));
    expect(key('user', a, strangers)).not.toBe(key('user', b, strangers));
    expect(specFor('user', a, strangers).client).toBe('a');
    const [c, d] = [exchangeOf({ session: 'c', principal: alice }), exchangeOf({ session: 'd', principal: alice })];
    expect(key('user', c, strangers)).toBe(key('user', d, strangers));
    expect(key('user', c, strangers)).not.toBe(
      key('user', exchangeOf({ session: 'c', principal: alice, capabilities: asking }), strangers),
    );
    expect(specFor('user', c, strangers)).toMatchObject({ client: undefined, shared: false });
  });

  it('user: an anonymous caller without a session gets one for the call alone', () => {
    expect(specFor('user', exchangeOf(), strangers).ephemeral).toBe(true);
    expect(key('user', exchangeOf(), strangers)).not.toBe(key('user', exchangeOf(), strangers));
  });

  it('session: one per client session; without one as user', () => {
    const [a, b] = [exchangeOf({ session: 'a', principal: alice }), exchangeOf({ session: 'b', principal: alice })];
    expect(key('session', a, shared)).not.toBe(key('session', b, shared));
    expect(specFor('session', a, shared).client).toBe('a');
    expect(key('session', exchangeOf({ principal: alice }), shared)).toBe(
      key('user', exchangeOf({ principal: alice }), shared),
    );
  });

  it('modern: capabilities travel with the request, so nothing but the credential tells sessions apart', () => {
    const modern = { ...strangers, era: 'modern' as const };
    expect(specFor('none', exchangeOf({ session: 'a', capabilities: asking }), modern)).toBe(SERVICE);
    const perUser = { ...modern, credential: personal };
    const exchange = exchangeOf({ principal: alice, capabilities: asking });
    expect(key('none', exchange, perUser)).toBe(key('none', exchangeOf({ principal: alice }), perUser));
    expect(key('none', exchange, perUser)).not.toBe(SERVICE.key);
  });

  it('both eras: a legacy client is never put on the service session, which is a modern one', () => {
    const dual = { ...strangers, dual: true };
    expect(specFor('none', exchangeOf({ session: 'a' }), dual)).toMatchObject({ era: 'legacy', shared: true });
    expect(key('none', exchangeOf({ session: 'a' }), dual)).not.toBe(SERVICE.key);
    expect(specFor('none', exchangeOf(), { ...dual, era: 'modern' })).toBe(SERVICE);
  });
});
