import fc from 'fast-check';
import { looksLikeJwt, readJwt } from '../../../libs/auth/src/tokens/form.js';
import { woundedText } from '../gen/bytes.js';
import { jsonText } from '../gen/json.js';
import { draft } from '../sockets/kinds.js';
import { serialize, set } from '../sockets/request.js';
import { type TokenCase, tokenCases, tokenOf } from '../sockets/tokens.js';
import { checkAnswer, checkArrival } from '../sockets/verdict.js';
import { UPSTREAM_KEY, World } from '../sockets/world.js';
import { inProcess, must, type Target } from '../target.js';

const encode = (text: string): string => Buffer.from(text).toString('base64url');
const HEADER = '{"alg":"RS256","typ":"at+jwt","kid":"k"}';
const PAYLOAD = '{"iss":"https://idp.example","sub":"s","aud":"a","exp":9999999999}';
const segment = (good: string) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(good) },
    { weight: 2, arbitrary: woundedText(fc.constant(good)) },
    { weight: 1, arbitrary: jsonText },
  );
const headers = fc
  .constantFrom(
    '"crit":["exp"]',
    '"b64":false',
    '"zip":"DEF"',
    '"kid":5',
    '"jku":"http://x"',
    '"alg":"HS256"',
    '"typ":"JWT"',
  )
  .map((member) => `${HEADER.slice(0, -1)},${member}}`);
const tokens = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.oneof(segment(HEADER), headers), segment(PAYLOAD), fc.constantFrom('c2ln', '', '====', 'é'))
      .map(([header, payload, signature]) => [encode(header), encode(payload), signature].join('.')),
  },
  { weight: 2, arbitrary: woundedText(fc.constant(`${encode(HEADER)}.${encode(PAYLOAD)}.c2ln`), ['.', '..', '=']) },
  { weight: 1, arbitrary: fc.string() },
);
const RULES = { algorithms: ['RS256', 'ES256'], type: 'at+jwt' } as const;

/** What is read out of a token is what is in it, and only a token of the one good form is read. */
function checkForm(token: string): boolean {
  looksLikeJwt(token);
  const read = readJwt(token, RULES);
  if ('refused' in read) {
    must(
      read.refused.length < 600 && !/\p{Cc}/u.test(read.refused),
      () => `no text for a log: ${JSON.stringify(read.refused)}`,
    );
    return false;
  }
  const parts = token.split('.');
  must(parts.length === 3 && parts.every((part) => /^[\w-]+$/.test(part)), 'read what has no form');
  const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  must(RULES.algorithms.includes(header.alg) && header.alg === read.jwt.alg, `the algorithm ${header.alg}`);
  must(/^(application\/)?at\+jwt$/i.test(header.typ), `the type ${header.typ}`);
  must(!('crit' in header) && !('b64' in header) && !('zip' in header), 'read what it does not understand');
  must(claims.iss === read.jwt.issuer, 'another issuer');
  return true;
}

/** At the real server: a token that is not good gets 401 and nothing through, a good one gets through. */
async function present(world: World, it: TokenCase): Promise<boolean> {
  const { token, good } = tokenOf(world, it);
  const request = draft('modern-call', world.identity);
  set(request, 'authorization', `Bearer ${token}`);
  const bytes = serialize(request);
  // A line break in a token ends its header, and more may follow.
  const broken = /[\r\n\0]/.test(token);
  world.upstream.journal.forget();
  const answers = broken ? await world.wire.finish(bytes) : [await world.wire.ask(bytes)];
  const arrived = world.upstream.journal.work;
  for (const answer of answers) {
    checkAnswer(answer);
    const [, payload = ''] = token.split('.');
    must(payload.length < 8 || !answer.body.includes(payload), 'the token is in the answer');
  }
  for (const arrival of arrived) checkArrival(arrival, UPSTREAM_KEY);
  const statuses = answers.map(({ status }) => status);
  if (good && it.claims === 'no group') return false;
  if (good)
    must(arrived.length === 1 && statuses[0] === 200, () => `a good token got ${statuses}: ${answers[0]?.body}`);
  else if (!broken) {
    must(arrived.length === 0, 'a bad token got through');
    must([400, 401, 431].includes(statuses[0] ?? 0), () => `a bad token got ${statuses}: ${answers[0]?.body}`);
  }
  return good;
}

export const TOKEN_TARGETS: readonly Target[] = [
  inProcess('token-forms', 10, tokens, checkForm),
  {
    name: 'tokens',
    share: 10,
    prepare: async () => {
      const world = await World.begin();
      const began = performance.now();
      const before = world.idp.jwks.requests;
      let taken = 0;
      const property = fc.asyncProperty(tokenCases, async (it) => {
        if (await present(world, it)) taken++;
      });
      return {
        property: property as unknown as fc.IRawProperty<unknown>,
        taken: () => taken,
        heap: () => world.heap(),
        rest: async () => {
          const asked = world.idp.jwks.requests - before;
          const allowed = 2 + (performance.now() - began) / 10_000;
          return [...world.complaints(), ...(asked > allowed ? [`the keys were fetched ${asked} times`] : [])];
        },
        close: () => world.close(),
      };
    },
  },
];
