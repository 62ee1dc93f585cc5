import fc from 'fast-check';
import { signingKey } from '../../support/signing.js';
import { hurt, type Wound, wounds } from '../gen/bytes.js';
import type { World } from './world.js';

/** One deviation from a good token. A bad one has to be refused; the others change nothing. */
interface Deviation {
  readonly bad: boolean;
  readonly members: (now: number) => Record<string, unknown>;
}

const bad = (members: Record<string, unknown>): Deviation => ({ bad: true, members: () => members });
const fine = (members: Record<string, unknown>): Deviation => ({ bad: false, members: () => members });
const at = (name: string, seconds: number, isBad: boolean): Deviation => ({
  bad: isBad,
  members: (now) => ({ [name]: now + seconds }),
});

/** Where keys are to be had, as an attacker puts it: nobody must ask there. */
export const ATTACKER = '/attacker/keys';

export const CLAIMS: Readonly<Record<string, Deviation>> = {
  'as it should be': fine({}),
  expired: at('exp', -60, true),
  'expired within the tolerance': at('exp', -5, false),
  'not yet': at('nbf', 120, true),
  'issued later': at('iat', 3_600, true),
  'exp is text': bad({ exp: '9999999999' }),
  'exp is huge': bad({ exp: 1e308 }),
  'exp is not there': bad({ exp: undefined }),
  'no audience': bad({ aud: undefined }),
  'audience of another service': bad({ aud: 'https://other.example/mcp' }),
  'audience is an object': bad({ aud: { a: 1 } }),
  'audience with a number': bad({ aud: [5] }),
  'no subject': bad({ sub: undefined }),
  'empty subject': bad({ sub: '' }),
  'subject is a number': bad({ sub: 5 }),
  'long subject': bad({ sub: 's'.repeat(300) }),
  'subject with a line break': bad({ sub: 'a\nb' }),
  'foreign issuer': bad({ iss: 'https://evil.example' }),
  'issuer with a slash': { bad: true, members: () => ({ iss: undefined }) },
  'bound to a key': bad({ cnf: { jkt: 'x' } }),
  'a refresh token': bad({ typ: 'Refresh' }),
  'tells of events': bad({ events: { a: {} } }),
  'odd claims': fine({ __proto__x: 1, constructor: { prototype: {} }, 'a.b': ['c'], deep: [[[[[[1]]]]]] }),
  'no group': fine({ scope: 'openid' }),
};

export const HEADERS: Readonly<Record<string, Deviation>> = {
  'as it should be': fine({}),
  'no algorithm': bad({ alg: 'none' }),
  'no algorithm in other letters': bad({ alg: 'NoNe' }),
  'algorithm is a list': bad({ alg: ['RS256'] }),
  'another type': bad({ typ: 'dpop+jwt' }),
  'type of a login': bad({ typ: 'JWT' }),
  'type in full': fine({ typ: 'application/at+jwt' }),
  critical: bad({ crit: ['exp'] }),
  unencoded: bad({ b64: false }),
  packed: bad({ zip: 'DEF' }),
  'key id is a path': bad({ kid: '../../etc/passwd' }),
  'key id of an object': bad({ kid: '__proto__' }),
  'key id is a number': bad({ kid: 5 }),
  'long key id': bad({ kid: 'k'.repeat(300) }),
  'unknown key id': bad({ kid: 'nobody-knows' }),
  'keys elsewhere': fine({ jku: `http://127.0.0.1:1${ATTACKER}`, x5u: ATTACKER, x5c: ['MIIB'] }),
};

const KEYS = ['own', 'own', 'own', 'own', 'a stranger’s', 'the public one as a secret', 'no signature'] as const;

export interface TokenCase {
  readonly claims: string;
  readonly header: string;
  readonly key: (typeof KEYS)[number];
  readonly wounds: readonly Wound[];
}

const none: readonly Wound[] = [];
export const tokenCases: fc.Arbitrary<TokenCase> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      claims: fc.constantFrom(...Object.keys(CLAIMS)),
      header: fc.constantFrom(...Object.keys(HEADERS), ...Array<string>(20).fill('as it should be')),
      key: fc.constantFrom(...KEYS),
      wounds: fc.constant(none),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      claims: fc.constant('as it should be'),
      header: fc.constantFrom(...Object.keys(HEADERS)),
      key: fc.constant<'own'>('own'),
      wounds: fc.constant(none),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      claims: fc.constant('as it should be'),
      header: fc.constant('as it should be'),
      key: fc.constant<'own'>('own'),
      wounds,
    }),
  },
);

const stranger = signingKey('rsa-1');

/** The token of a case, and whether it has to be taken. */
export function tokenOf(world: World, it: TokenCase): { token: string; good: boolean } {
  const claims = CLAIMS[it.claims] as Deviation;
  const header = HEADERS[it.header] as Deviation;
  const now = Math.floor(Date.now() / 1000);
  const key = world.idp.keys[0] as (typeof world.idp.keys)[number];
  const issuer = it.claims === 'issuer with a slash' ? { iss: `${world.idp.issuer}/` } : {};
  const members = { sub: 'fuzz', aud: world.gateway.mcp(), groups: ['User'], ...claims.members(now), ...issuer };
  const pem = key.publicKey.export({ format: 'pem', type: 'spki' });
  const whole =
    it.key === 'the public one as a secret'
      ? world.idp.mint(members, { ...header.members(now), alg: 'HS256' }, { raw: pem })
      : world.idp.mint(members, header.members(now), it.key === 'a stranger’s' ? { key: stranger } : {});
  const signed = it.key === 'no signature' ? whole.slice(0, whole.lastIndexOf('.') + 1) : whole;
  const token = hurt(Buffer.from(signed), it.wounds).toString('latin1');
  return { token, good: !claims.bad && !header.bad && it.key === 'own' && means(token, whole) };
}

/** Whether two tokens say the same with the same signature: base64url leaves a few bits to whoever writes it. */
function means(token: string, whole: string): boolean {
  const [a, b] = [token.split('.'), whole.split('.')];
  const signature = (parts: readonly string[]) => Buffer.from(parts[2] ?? '', 'base64url').toString('hex');
  const plain = /^[A-Za-z0-9_-]+$/.test(a[2] ?? '');
  return a.length === 3 && a[0] === b[0] && a[1] === b[1] && plain && signature(a) === signature(b);
}
