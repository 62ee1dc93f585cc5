import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { ServerConfig, ServerConfigRef } from '#libs/config';
import { GatewayError, principal } from '#libs/kernel';
import { CursorSeal, nameKey } from '../../../libs/catalogue/src/views/cursor.js';
import { RequestStates, type StateBinding } from '../../../libs/downstream/src/modern/request-state.js';
import { SessionSeal } from '../../../libs/downstream/src/session/seal.js';
import { woundedText } from '../gen/bytes.js';
import { inProcess, must, type Target } from '../target.js';

/** Sealed texts of ours, hurt or whole, and texts that only look like them. */
function sealed(own: readonly string[]): fc.Arbitrary<string> {
  const alphabet = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
  return fc.oneof(
    { weight: 4, arbitrary: woundedText(fc.constantFrom(...own), ['=', '+', '/', '.', 'g1.']) },
    { weight: 1, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.array(alphabet, { maxLength: 700 }).map((letters) => letters.join('')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...own), fc.constantFrom(...own))
        .map(([a, b]) => a.slice(0, 40) + b.slice(40)),
    },
  );
}

const cursorSeal = new CursorSeal(undefined, 3_600_000, Date.now);
const place = { server: 'n8n', name: nameKey('read'), position: 3, order: 0 };
const cursors = ['ann', 'bob'].map((bearer) => ({ bearer, cursor: cursorSeal.seal(place, bearer) }));

/** A cursor opens for whom it was made, spelled as it was made, and for nobody else. */
function checkCursor([cursor, bearer]: [string, string]): boolean {
  const found = cursorSeal.open(cursor, bearer);
  const ours = cursors.some((it) => it.cursor === cursor && it.bearer === bearer);
  must(ours === (found !== undefined), ours ? 'does not open' : 'opens');
  if (found) must(found.server === 'n8n' && found.name.equals(place.name), 'another place');
  return ours;
}

const sessionSeal = new SessionSeal(null);
const CLAIMS = {
  id: Buffer.alloc(16, 7).toString('base64url'),
  principalKey: principal('https://idp.example', 'ann').key,
  endpoint: '/mcp',
  version: '2025-11-25',
  capabilities: 3,
  clientName: 'client',
  clientVersion: '1',
  home: '00c0ffee',
  issuedAt: 1_700_000_000_000,
  expiresAt: 4_000_000_000,
};
const ids = [sessionSeal.seal(CLAIMS), sessionSeal.seal({ ...CLAIMS, endpoint: '/mcp/n8n' })];

function checkSession(id: string): boolean {
  const claims = sessionSeal.open(id);
  const ours = ids.indexOf(id);
  must(ours >= 0 === (claims !== undefined), ours >= 0 ? 'does not open' : 'opens');
  if (claims)
    must(isDeepStrictEqual(claims, { ...CLAIMS, endpoint: ours === 0 ? '/mcp' : '/mcp/n8n' }), 'another session');
  return claims !== undefined;
}

const states = new RequestStates(new ServerConfigRef(new ServerConfig()));
const BINDINGS: readonly StateBinding[] = ['ann', 'bob'].flatMap((subject) =>
  ['tools/call', 'prompts/get'].map((method) => ({
    principal: principal('https://idp.example', subject),
    endpoint: { kind: 'aggregate' } as const,
    method,
    digest: 'd',
  })),
);
const tokens = BINDINGS.map((binding) =>
  states.seal({ kind: 'relayed', server: 'n8n', state: 'the upstream’s own' }, binding, 3_600_000),
);

function checkState([token, at]: [string, number]): boolean {
  const binding = BINDINGS[at] as StateBinding;
  const ours = tokens[at] === token;
  try {
    const state = states.open(token, binding);
    must(ours && state.kind === 'relayed' && state.state === 'the upstream’s own', 'opens');
  } catch (thrown) {
    must(thrown instanceof GatewayError && thrown.code === 'STATE_INVALID', () => `threw ${thrown}`);
    must(!ours, 'does not open');
  }
  return ours;
}

export const SEAL_TARGETS: readonly Target[] = [
  inProcess(
    'cursors',
    8,
    fc.tuple(sealed(cursors.map(({ cursor }) => cursor)), fc.constantFrom('ann', 'bob', '')),
    checkCursor,
  ),
  inProcess('session-ids', 8, sealed(ids), checkSession),
  inProcess('request-states', 6, fc.tuple(sealed(tokens), fc.nat(BINDINGS.length - 1)), checkState),
];
