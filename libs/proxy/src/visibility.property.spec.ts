import fc from 'fast-check';
import { expect, it } from 'vitest';
import { configFrom } from '#libs/config';
import { GatewayError, type ObjectKind, principal } from '#libs/kernel';
import { LIST_METHODS, type ListKind } from '#libs/mcp';
import { Permissions } from '#libs/permission';
import { type Corridor, corridors, type TestClient } from './testing/corridor.js';
import { type Script, ScriptedUpstream } from './testing/scripted-upstream.js';

const open = corridors();

const OFFER = {
  tool: ['get', 'delete_x', 'delete_all', 'sub.get'],
  prompt: ['greet', 'get'],
  resource: ['file:///a', 'file:///b/c', 'memo:x'],
  template: ['file:///t/{id}', 'memo:{id}'],
};
const KINDS = Object.keys(OFFER) as ObjectKind[];
const LISTS: Readonly<Record<ObjectKind, ListKind>> = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'templates',
};
const NAMED_BY = { tool: 'name', prompt: 'name', resource: 'uri', template: 'uriTemplate' } as const;
const INPUT = { type: 'object' };

const list = (kind: ObjectKind, extra: object = {}) =>
  JSON.stringify({
    [LIST_METHODS[LISTS[kind]].member]: OFFER[kind].map((one) => ({ name: one, [NAMED_BY[kind]]: one, ...extra })),
  });

const SCRIPT: Script = {
  'tools/list': ({ result }) => result(list('tool', { inputSchema: INPUT })),
  'prompts/list': ({ result }) => result(list('prompt')),
  'resources/list': ({ result }) => result(list('resource')),
  'resources/templates/list': ({ result }) => result(list('template')),
  'tools/call': ({ result }) => result('{"content":[]}'),
  'prompts/get': ({ result }) => result('{"messages":[]}'),
  'resources/read': ({ result }) => result('{"contents":[]}'),
  'completion/complete': ({ result }) => result('{"completion":{"values":["x"]}}'),
};

/** How a thing is used, under the name a list gave it. */
function usage(kind: ObjectKind, name: string): [method: string, params: object] {
  switch (kind) {
    case 'tool':
      return ['tools/call', { name, arguments: {} }];
    case 'prompt':
      return ['prompts/get', { name }];
    case 'resource':
      return ['resources/read', { uri: name }];
    case 'template':
      return ['completion/complete', { ref: { type: 'ref/resource', uri: name }, argument: { name: 'id', value: '' } }];
  }
}

const CLAIMS = {
  claims: ['groups', 'scope'],
  mappings: { 'groups:A': ['s1'], 'scope:o2': ['s2'], 'scope:o3': ['s3'] },
};

const pattern = fc
  .tuple(
    fc.constantFrom('', 'prompts/', 'resources/', 'templates/', '*/', '*/', '*/', '*/'),
    fc.constantFrom('a', 'b', '*', '*', '*'),
    fc.constantFrom('*', '*', '*', '*', 'get', 'delete_*', '*_all', 'greet', 'file:///*', 'memo:*', 'file:///t/{id}'),
  )
  .map(([type, server, object]) => `${type}${server}:${object}`);
const rule = fc.record({
  scopes: fc.uniqueArray(fc.constantFrom('s1', 's2', 's3', 's3'), { minLength: 1, maxLength: 2 }),
  mode: fc.constantFrom('any', 'all'),
  on_deny: fc.constantFrom('hide', 'challenge', 'challenge', 'challenge', 'challenge'),
});
const world = fc.record({
  permissions: fc.dictionary(pattern, rule, { minKeys: 3, maxKeys: 8, size: 'max' }),
  deny: fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: pattern.map((one) => [one]) },
  ),
  options: fc.record({ default_scope: fc.constantFrom(null, 's1', 's2') }),
  implies: fc.constantFrom({}, { s1: ['s2'] }),
  claims: fc.record({ groups: fc.subarray(['A']), scope: fc.constantFrom('', '', '', 'o2', 'o3') }),
  at: fc.constantFrom(undefined, 'a', 'part'),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function apply({ live }: Corridor, { permissions, deny, options, implies }: World): void {
  const auth = { ...CLAIMS, permissions, deny, options, implies };
  const oauth = { enabled: true, authorization_servers: ['https://idp.example.com'] };
  const { config } = configFrom({ auth, oauth });
  live.sections.auth.replace(config.auth);
  live.sections.oauth.replace(config.oauth);
}

async function names(client: TestClient, kind: ObjectKind): Promise<string[]> {
  const result = JSON.parse(await client.result(LIST_METHODS[LISTS[kind]].method)) as Record<
    string,
    Record<string, string>[]
  >;
  return (result[LIST_METHODS[LISTS[kind]].member] ?? []).map((item) => item[NAMED_BY[kind]] ?? '');
}

/** What became of a use. What is told of something unknown may differ in its name only. */
async function use(client: TestClient, kind: ObjectKind, name: string, seen: () => number) {
  const before = seen();
  const answer = await client.send(...usage(kind, name)).catch((thrown: unknown) => thrown);
  const isReached = seen() > before;
  if (!(answer instanceof GatewayError)) {
    return { fate: isReached ? 'allow' : 'unknown', told: String((answer as { result: Buffer }).result) };
  }
  const told = JSON.stringify([answer.code, answer.message, answer.data]).replaceAll(name, '?');
  const fate = answer.code === 'INSUFFICIENT_SCOPE' ? 'challenge' : 'unknown';
  return { fate: isReached ? 'a refusal after the fact' : fate, told };
}

/** The name a client of this endpoint knows a thing by. */
function nameAt(at: string | undefined, kind: ObjectKind, server: string, own: string): string {
  if (at === 'a') return own;
  return kind === 'resource' || kind === 'template' ? `${server}+${own}` : `${server}:${own}`;
}

it('T101: shows a thing if, and only if, using it reaches the upstream or is answered with a step-up', async () => {
  const upstreams = { a: new ScriptedUpstream(SCRIPT), b: new ScriptedUpstream(SCRIPT) };
  const corridor = await open(upstreams, {
    proxy: { toolsets: { part: { include: ['a:*', 'b:get'] } } },
    decide: ({ sections }) => new Permissions(sections.auth, sections.oauth, sections.api_keys),
  });
  const seen = () => upstreams.a.seen.length + upstreams.b.seen.length;
  const fates = new Map(KINDS.map((kind) => [kind, { allow: 0, challenge: 0, unknown: 0 } as Record<string, number>]));
  const share = (fate: string, kinds: readonly ObjectKind[]) => {
    const counts = kinds.map((kind) => fates.get(kind)!);
    const all = counts.reduce((sum, { allow, challenge, unknown }) => sum + allow! + challenge! + unknown!, 0);
    return counts.reduce((sum, count) => sum + count[fate]!, 0) / all;
  };
  let callers = 0;
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      apply(corridor, given);
      const { at, claims } = given;
      const who = principal('https://idp.example.com', `caller-${++callers}`, { claims });
      const client = corridor.client({ principal: who, ...(at !== undefined && { at }) });
      for (const kind of KINDS) {
        const shown = await names(client, kind);
        for (const server of at === undefined ? ['a', 'b'] : ['a']) {
          for (const own of OFFER[kind]) {
            const name = nameAt(at, kind, server, own);
            const { fate, told } = await use(client, kind, name, seen);
            expect({ kind, name, used: fate !== 'unknown' }).toEqual({ kind, name, used: shown.includes(name) });
            expect(['allow', 'challenge', 'unknown']).toContain(fate);
            const counts = fates.get(kind)!;
            counts[fate] = (counts[fate] ?? 0) + 1;
            if (fate !== 'unknown') continue;
            const stranger = await use(client, kind, `${name}-not-there`, seen);
            if (stranger.fate === 'unknown') expect(told).toBe(stranger.told);
          }
        }
      }
    }),
    { numRuns: 300 },
  );
  // None of the three may be a rarity, or the test would say little: neither over all, nor for any kind.
  for (const fate of ['allow', 'challenge', 'unknown']) {
    for (const kind of KINDS) expect({ kind, fate, share: share(fate, [kind]) > 0.1 }).toMatchObject({ share: true });
    expect({ fate, share: share(fate, KINDS) >= 0.2 }).toEqual({ fate, share: true });
  }
}, 120_000);
