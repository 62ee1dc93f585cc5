import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runClientScenario } from './suite.mjs';

const DRIVER = fileURLToPath(new URL('oauth-client.mjs', import.meta.url));
const [LEGACY, MODERN] = ['2025-11-25', '2026-07-28'];

/** Checks of an authorization code flow: a person in a browser. The gateway gets tokens for itself, at the token endpoint. */
const OF_A_PERSON = ['client-registration', 'authorization-request', 'resource-parameter-in-authorization'];

/**
 * What the suite asks of an OAuth client and the gateway does towards its upstreams. `needs`: checks that have to be there
 * and succeed; of the others none may fail but those of a person, where there is one in the suite's mind.
 */
const SCENARIOS = [
  ['auth/client-credentials-basic', LEGACY, ['client-credentials-basic-auth', 'valid-bearer-token']],
  ...['metadata-default', 'metadata-var1'].map((name) => [
    `auth/${name}`,
    LEGACY,
    ['prm-pathbased-requested', 'authorization-server-metadata', 'token-request', 'resource-parameter-matches-prm'],
  ]),
  ...['metadata-var2', 'metadata-var3'].map((name) => [
    `auth/${name}`,
    LEGACY,
    ['authorization-server-metadata', 'token-request', 'resource-parameter-matches-prm', 'valid-bearer-token'],
  ]),
  ...['basic', 'post', 'none'].map((name) => [
    `auth/token-endpoint-auth-${name}`,
    LEGACY,
    ['token-endpoint-auth-method', 'resource-parameter-in-token', 'resource-parameter-valid-uri', 'valid-bearer-token'],
  ]),
  ['auth/pre-registration', LEGACY, ['pre-registration-auth', 'valid-bearer-token']],
  ['auth/resource-mismatch', MODERN, ['resource-mismatch-rejected']],
  ['auth/metadata-issuer-mismatch', MODERN, ['sep-2468-client-validate-metadata-issuer']],
];

/** Scenarios that do not apply, and why. */
const OTHERS = {
  'auth/scope-from-www-authenticate': 'looks at the authorization request of a person only',
  'auth/scope-from-scopes-supported': 'looks at the authorization request of a person only',
  'auth/scope-omitted-when-undefined': 'looks at the authorization request of a person only',
  'auth/scope-step-up': 'wants a second authorization by a person; the gateway never asks for more scopes by itself',
  'auth/scope-retry-limit': 'counts authorization requests of a person',
  'auth/basic-cimd': 'a client id that is a URL, in the authorization request of a person',
  'auth/iss-*': 'look at the answer to an authorization request of a person',
  'auth/authorization-server-migration': 'authorization code; the one issuer that counts is configured',
  'auth/offline-access-*': 'refresh tokens of a person',
  'auth/client-credentials-jwt': 'private_key_jwt is not built',
  'auth/enterprise-managed-authorization': 'identity assertions (ID-JAG) are not built',
  'auth/wif-jwt-bearer': 'workload identity federation is not built',
  'auth/dpop, auth/dpop-nonce': 'tokens bound to a key are not built',
};

function judge(checks, needs) {
  const succeeded = (id) => checks.some((check) => check.id === id && check.status === 'SUCCESS');
  const failed = checks.filter(({ id, status }) => status === 'FAILURE' && !OF_A_PERSON.includes(id));
  return [
    ...needs.filter((id) => !succeeded(id)).map((id) => `${id} did not succeed`),
    ...failed.map(({ id, errorMessage, description }) => `${id} failed: ${errorMessage ?? description}`),
  ];
}

/** Runs the scenarios for OAuth clients with the gateway as the client. */
export async function runAsOauthClient(work, only) {
  const chosen = SCENARIOS.filter(([scenario]) => only === undefined || scenario === only);
  let good = 0;
  for (const [scenario, revision, needs] of chosen) {
    const directory = join(work, `oauth-${scenario.replaceAll('/', '-')}`);
    const { checks, output } = await runClientScenario([DRIVER], scenario, revision, directory, ['--force']);
    const problems = judge(checks, needs);
    const left = checks
      .filter(({ id, status }) => status === 'FAILURE' && OF_A_PERSON.includes(id))
      .map(({ id }) => id);
    const ok = problems.length === 0;
    if (ok) good += 1;
    const without = left.length > 0 ? ` (without ${[...new Set(left)].join(', ')}: a person’s)` : '';
    console.log(`${`${scenario} (${revision})`.padEnd(52)}${ok ? 'ok' : 'FAILED'}${without}`);
    for (const problem of problems) console.log(`    ${problem}`);
    if (!ok) console.log(output);
  }
  if (only === undefined)
    for (const [name, reason] of Object.entries(OTHERS)) console.log(`${name.padEnd(52)}not run: ${reason}`);
  return { good, total: chosen.length, ok: good === chosen.length };
}
