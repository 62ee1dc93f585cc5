import fc from 'fast-check';
import {
  asLegacyResult,
  downgradeElicitation,
  downgradeResult,
  inOne,
  JsonView,
  projectOutputSchema,
  projectStructured,
  restoreArgumentUris,
  rewriteAskUris,
  rewriteItem,
  rewriteResultUris,
  scan,
  splice,
  withoutHopMeta,
  withResultMembers,
  withSubscriptionId,
} from '#libs/mcp';
import { ingest } from '../../../libs/catalogue/src/ingest/ingest.js';
import { wounded } from '../gen/bytes.js';
import { jsonText, jsonValue } from '../gen/json.js';
import { readStrictly } from '../strict-json.js';
import { inProcess, must, type Target } from '../target.js';

const block = fc.oneof(
  fc.record({
    type: fc.constantFrom('text', 'audio', 'resource_link', 'resource', 'tool_result', 1),
    uri: fc.webUrl(),
  }),
  fc.record({ type: fc.constant('resource'), resource: fc.record({ uri: fc.string(), blob: jsonValue }) }),
  fc.record({ type: fc.constant('tool_result'), content: jsonValue }),
  jsonValue,
);
const result = fc
  .record(
    {
      content: fc.oneof(fc.array(block, { maxLength: 3 }), block),
      contents: fc.array(fc.record({ uri: fc.string(), text: fc.string() }), { maxLength: 2 }),
      messages: fc.array(fc.oneof(fc.record({ role: fc.constant('user'), content: block }), jsonValue), {
        maxLength: 2,
      }),
      structuredContent: jsonValue,
      resultType: fc.constantFrom('complete', 'input_required', 7, null),
      requestedSchema: fc.oneof(
        jsonValue,
        fc.record({ properties: fc.dictionary(fc.string(), jsonValue, { maxKeys: 2 }) }),
      ),
      arguments: jsonValue,
      ttlMs: fc.oneof(fc.double(), fc.string()),
      cacheScope: fc.string(),
      _meta: fc.oneof(jsonValue, fc.record({ ui: fc.record({ resourceUri: fc.string() }), progressToken: jsonValue })),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((value) => Buffer.from(JSON.stringify(value)));

const METHODS = ['tools/call', 'prompts/get', 'resources/read', 'sampling/createMessage', 'other'];
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28', 'x'];

/** Everything that changes a valid object on its way leaves a valid one, whatever is in it. */
function checkRewrites([bytes, method, version, deep]: [Buffer, string, string, string]): undefined {
  const withArguments = Buffer.concat([
    bytes.subarray(0, -1),
    Buffer.from(`${bytes.length > 2 ? ',' : ''}"x":"rec+${deep}"}`),
  ]);
  const good = readStrictly(withArguments) ? withArguments : bytes;
  const map = (uri: string) => `rec+${uri}`;
  const after = {
    rewriteResultUris: rewriteResultUris(method, good, map),
    rewriteAskUris: rewriteAskUris(good, map),
    rewriteItem: rewriteItem(good, { name: 'a"b', uri: '\ud800', map }),
    downgradeResult: downgradeResult(method, good, version),
    downgradeElicitation: downgradeElicitation(good, version),
    projectStructured: projectStructured(good, true),
    projectOutputSchema: projectOutputSchema(good),
    restoreArgumentUris: splice(
      good,
      restoreArgumentUris(JsonView.of(good), 'rec', (exposed) => exposed.slice(4)),
    ),
    withoutHopMeta: withoutHopMeta(good),
    withResultMembers: inOne(
      withResultMembers(good, { resultType: 'complete', serverInfo: '{}', ttlMs: 1, cacheScope: 'private' }),
    ),
    asLegacyResult: asLegacyResult(good),
    withSubscriptionId: withSubscriptionId(good, '"a"'),
  };
  for (const [what, changed] of Object.entries(after)) {
    const read = readStrictly(changed);
    must(read !== undefined && typeof read.value === 'object', () => `${what} made ${changed}`);
  }
  const modern = JsonView.of(after.withResultMembers);
  must(
    modern.get('cacheScope')?.string() === 'private' && modern.get('resultType')?.string() === 'complete',
    'not overruled',
  );
}

const ITEM =
  '{"name":"t","description":"d","inputSchema":{"type":"object","properties":{"a":{"x-mcp-header":"A","type":"string"}}}}';
const item = fc.oneof(
  wounded(
    fc
      .constantFrom(ITEM, '{"uri":"memo://a","name":"a"}', '{"uriTemplate":"memo://{a}","name":"a"}')
      .map((it) => Buffer.from(it)),
  ),
  jsonText.map((text) => Buffer.from(text)),
  fc
    .tuple(fc.constantFrom('name', 'inputSchema', 'outputSchema', 'arguments', '_meta', 'annotations'), jsonText)
    .map(([key, value]) =>
      Buffer.from(`{"name":"x","uri":"x:y","uriTemplate":"x:{y}","inputSchema":{"type":"object"},"${key}":${value}}`),
    ),
);
const listings = fc.record({
  era: fc.constantFrom('legacy' as const, 'modern' as const),
  http: fc.boolean(),
  items: fc.array(item, { maxLength: 4 }),
});

/** What enters the catalogue is an object with a name that can be shown, whatever an upstream listed. */
function checkListing({
  era,
  http,
  items,
}: {
  era: 'legacy' | 'modern';
  http: boolean;
  items: readonly Buffer[];
}): boolean {
  const head = { server: 'rec', era, version: '2025-11-25', capabilities: {}, serverInfo: {}, http, failed: {} };
  const listing = { ...head, items: { tools: items, prompts: items, resources: items, templates: items } };
  const { lists } = ingest(listing as never, undefined);
  let good = 0;
  for (const { items: taken, quarantined, repaired } of Object.values(lists)) {
    for (const { reason, name } of [...quarantined, ...repaired]) {
      must(
        reason.length < 2_000 && !/\p{Cc}/u.test(reason + name),
        () => `no text for a log: ${JSON.stringify([name, reason])}`,
      );
    }
    for (const { raw, ref } of taken) {
      good++;
      must(scan(raw, { depth: 64, nodes: 100_000, uniqueKeys: false }) instanceof JsonView, () => `took ${raw}`);
      must(ref.name !== '' && !/[\p{Cc}\p{Cs}]/u.test(ref.name), () => `took the name ${JSON.stringify(ref.name)}`);
    }
  }
  return good > 0;
}

export const CONTENT_TARGETS: readonly Target[] = [
  inProcess(
    'rewrites',
    8,
    fc.tuple(result, fc.constantFrom(...METHODS), fc.constantFrom(...VERSIONS), fc.string()),
    checkRewrites,
  ),
  inProcess('listings', 8, listings, checkListing),
];
