import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalName, type Endpoint, type ObjectRef } from '#libs/kernel';
import type { ListKind } from '#libs/mcp';
import { CatalogueService } from '../catalogue.service.js';
import type { CatalogueItem, View } from '../contract.js';
import { OBJECT_KINDS } from '../ingest/ingest.js';
import { CatalogueOptions } from '../settings.js';
import {
  AGGREGATE,
  type Items,
  listing,
  names,
  prompt,
  request,
  resource,
  server,
  serverEndpoint,
  TestDecide,
  template,
  tool,
  toolsetEndpoint,
} from '../testing/listings.js';

const SERVERS = ['a', 'a-b', 'b'];
const SEPARATORS = [':', '__', '-', '.', '_', '/'];

const word = fc.constantFrom(
  'a',
  'b',
  'c',
  'x',
  'b-c',
  'a:x',
  'a__x',
  'b_c',
  'x.y',
  'größe',
  '😀',
  'x'.repeat(70),
  'x'.repeat(200),
);
const name = fc.oneof(
  word,
  fc.tuple(word, fc.constantFrom('', '-', '_', ':', '.'), word).map((parts) => parts.join('')),
);
const badItem = fc.constantFrom<string | object>('7', 'null', '{}', { name: '' }, { name: 'a\nb' });
const uri = fc.oneof(
  fc.constantFrom(
    'file:///a',
    'memo:x',
    'ui://a/b',
    'https://h/x',
    'a+file:///a',
    'git+ssh://h',
    'ui://a+b/c',
    'plain',
    'a',
  ),
  word.map((text) => `memo:${text}`),
);
const templateText = fc.constantFrom('file:///{p}', 'memo:{x}', 'ui://{a}/b', '{+all}', 'a+{x}');

const items: fc.Arbitrary<Items> = fc.record({
  tools: fc.array(fc.oneof({ weight: 9, arbitrary: name.map((one) => tool(one)) }, { weight: 1, arbitrary: badItem })),
  prompts: fc.array(fc.oneof({ weight: 9, arbitrary: name.map(prompt) }, { weight: 1, arbitrary: badItem })),
  resources: fc.array(uri.map(resource)),
  templates: fc.array(templateText.map(template)),
});

const world = fc.record({
  offers: fc.tuple(items, items, items),
  shown: fc.dictionary(name, fc.constantFrom('a', 'b', 'x', 'b-c', 'x.y', 'new', 'x'.repeat(70)), { maxKeys: 5 }),
  prefixes: fc.constantFrom<(string | null)[]>([null, null, null], ['b', null, 'a'], ['x', 'y', 'z']),
  spelling: fc.record({ separator: fc.constantFrom(...SEPARATORS), maxLength: fc.constantFrom(48, 64, 128) }),
  endpoint: fc.constantFrom<Endpoint>(
    AGGREGATE,
    AGGREGATE,
    toolsetEndpoint('t'),
    serverEndpoint('a'),
    serverEndpoint('a-b'),
  ),
  seed: fc.nat(),
  allowed: fc.constantFrom(1, 0.7, 0.3, 0),
  pageItems: fc.constantFrom<number>(1, 2, 3, 7, 2000),
  pageBytes: fc.constantFrom<number>(1, 100, 2_000_000),
});

const ALL = { include: ['*'], exclude: [] };

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function build({ offers, shown, prefixes, spelling, endpoint, seed, allowed, pageItems, pageBytes }: World) {
  const rule = (_: unknown, ref: ObjectRef): boolean => {
    const dice =
      createHash('sha256')
        .update(JSON.stringify([seed, ref]))
        .digest()
        .readUInt16BE() / 0x10000;
    if (dice >= allowed && dice > 0.9) throw new Error('undecided');
    return dice < allowed;
  };
  const overrides = Object.fromEntries(Object.entries(shown).map(([own, name]) => [own, { name }]));
  const options = Object.assign(new CatalogueOptions(), { pageItems, pageBytes });
  const service = new CatalogueService(new TestDecide(rule), options);
  service.configure({
    servers: SERVERS.map((name, i) => server(name, { prefix: prefixes[i] ?? null, tools: { ...ALL, overrides } })),
    toolsets: [{ name: 't', include: ['a:*', 'b:*x*'], exclude: ['*:*c*'] }],
  });
  SERVERS.forEach((name, i) => {
    service.publish(listing(name, offers[i] as Items));
  });
  const allows = (ref: ObjectRef) => {
    try {
      return rule(undefined, ref);
    } catch {
      return false;
    }
  };
  return { service, view: service.view(request(endpoint, spelling)), allows };
}

const finder = (view: View, kind: 'tools' | 'prompts') => (name: string) =>
  kind === 'tools' ? view.tool(name) : view.prompt(name);

/** Everything behind the endpoint, seen or not. */
function behind(service: CatalogueService, endpoint: Endpoint, kind: ListKind): CatalogueItem[] {
  return service.current.scope(endpoint).lists[kind].items.map(({ item }) => item);
}

it('shows a tool or prompt if, and only if, it can be used under the name it is shown by', () => {
  fc.assert(
    fc.property(world, fc.array(name), (given, strangers) => {
      const { service, view, allows } = build(given);
      for (const kind of ['tools', 'prompts'] as const) {
        const find = finder(view, kind);
        const listed = names(view, kind);
        expect(new Set(listed).size).toBe(listed.length);
        const found = listed.map((shown) => find(shown));
        expect(found.every((item) => item !== undefined && allows(item.ref))).toBe(true);
        expect(new Set(found).size).toBe(listed.length);

        const shown = new Set(found);
        const candidates = new Set(strangers);
        for (const one of SERVERS)
          for (const item of behind(service, serverEndpoint(one), kind)) {
            candidates.add(canonicalName(item.ref)).add(item.ref.name);
            for (const separator of SEPARATORS) candidates.add(`${one}${separator}${item.ref.name}`);
          }
        // Whatever name leads anywhere leads to something shown; hidden and unknown are both nothing.
        for (const candidate of candidates) {
          const item = find(candidate);
          if (item) expect(shown.has(item)).toBe(true);
        }
        for (const item of behind(service, given.endpoint, kind)) {
          const byCanonical = find(canonicalName(item.ref));
          if (shown.has(item)) expect(byCanonical).toBeDefined();
          else expect(byCanonical).not.toBe(item);
          const shadowed = listed.includes(canonicalName(item.ref)) || behindOwn(service, given.endpoint, kind, item);
          if (shown.has(item) && !shadowed) expect(byCanonical).toBe(item);
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** Behind one server, an own name that looks like another's canonical name goes first. */
function behindOwn(service: CatalogueService, endpoint: Endpoint, kind: ListKind, item: CatalogueItem): boolean {
  return (
    endpoint.kind === 'server' &&
    behind(service, endpoint, kind).some(({ ref }) => ref.name === canonicalName(item.ref))
  );
}

it('shows a resource or template if, and only if, it leads back to its owner', () => {
  fc.assert(
    fc.property(world, (given) => {
      const { service, view, allows } = build(given);
      for (const kind of ['resources', 'templates'] as const) {
        const listed = names(view, kind);
        expect(new Set(listed).size).toBe(listed.length);
        const found = listed.map((shown) => (kind === 'resources' ? view.resource(shown) : view.template(shown)));
        const owners = found.map((target) => `${target?.server} ${target?.uri}`);
        expect(new Set(owners).size).toBe(listed.length);
        for (const target of found) {
          expect(target).toBeDefined();
          if (target && kind === 'resources') {
            expect(allows({ kind: OBJECT_KINDS[kind], server: target.server, name: target.uri })).toBe(true);
          }
        }
        const hidden = behind(service, given.endpoint, kind).filter(
          ({ ref }) => !owners.includes(`${ref.server} ${ref.name}`),
        );
        for (const { ref } of hidden.filter(() => kind === 'resources')) {
          const target = view.resource(view.exposeUri(ref.server, ref.name));
          if (target) expect(target).not.toEqual({ server: ref.server, uri: ref.name });
        }
      }
    }),
    { numRuns: 300 },
  );
});

it('gives every item exactly once over all pages, in the order of one big page', () => {
  fc.assert(
    fc.property(world, (given) => {
      const small = build(given);
      const big = build({ ...given, pageItems: 1_000_000, pageBytes: 1_000_000_000 });
      for (const kind of ['tools', 'prompts', 'resources', 'templates'] as const) {
        expect(names(small.view, kind)).toEqual(names(big.view, kind));
        expect(small.view.fingerprint(kind)).toBe(big.view.fingerprint(kind));
      }
      expect(small.view.key).toBe(big.view.key);
    }),
    { numRuns: 100 },
  );
});

it('spells every listed name within the caller’s limits', () => {
  fc.assert(
    fc.property(world, (given) => {
      const { view } = build(given);
      for (const kind of ['tools', 'prompts'] as const) {
        for (const shown of names(view, kind)) expect(shown.length).toBeLessThanOrEqual(given.spelling.maxLength);
      }
    }),
    { numRuns: 100 },
  );
});
