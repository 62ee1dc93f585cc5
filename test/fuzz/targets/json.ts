import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { editMembers, JsonView, paramsDigest, scan, splice } from '#libs/mcp';
import { noise, wounded } from '../gen/bytes.js';
import { deepJson, jsonText, jsonValue, KEYS } from '../gen/json.js';
import { readStrictly, type StrictRead } from '../strict-json.js';
import { inProcess, must, type Target } from '../target.js';

const DEPTH = 32;
const NODES = 400;

const text = fc
  .oneof({ weight: 8, arbitrary: jsonText }, { weight: 1, arbitrary: deepJson })
  .map((it) => Buffer.from(it));
const anyBytes = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 4, arbitrary: wounded(text) },
  { weight: 1, arbitrary: noise },
);

/** The scanner against the platform's parser: both take the same, and read the same out of it. */
function checkScan([bytes, uniqueKeys]: [Buffer, boolean]): boolean {
  const strict = readStrictly(bytes);
  const found = scan(bytes, { depth: DEPTH, nodes: NODES, uniqueKeys });
  if (!(found instanceof JsonView)) {
    must(found.offset >= 0 && found.offset <= bytes.length, `offset ${found.offset} of ${bytes.length}`);
    must(found.reason.length > 0 && found.reason.length < 1_000, 'a reason a person can read');
    if (strict) checkRefusal(found.kind, strict, uniqueKeys);
    return false;
  }
  must(strict !== undefined, 'the scanner took what is not JSON');
  must(strict.depth <= DEPTH && strict.nodes <= NODES, `over the limits: ${strict.depth} deep, ${strict.nodes} values`);
  must(!(uniqueKeys && strict.repeats), 'the scanner took a repeated key');
  must(isDeepStrictEqual(found.value(), strict.value), 'another value');
  checkView(found, strict.value);
  return true;
}

function checkRefusal(kind: string, { depth, nodes, repeats }: StrictRead, uniqueKeys: boolean): void {
  const reasons = { depth: depth > DEPTH, nodes: nodes > NODES, duplicate: uniqueKeys && repeats, syntax: false };
  must(
    reasons[kind as keyof typeof reasons] === true,
    `refused as ${kind}: ${JSON.stringify({ depth, nodes, repeats })}`,
  );
}

/** Members, items and strings of a view are those of the value. */
function checkView(view: JsonView, value: unknown): void {
  if (typeof value === 'string') must(view.string() === value, 'another string');
  if (Array.isArray(value)) {
    const items = view.items();
    must(items.length === value.length, 'another number of items');
    for (const [at, item] of items.entries()) checkView(item, value[at]);
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) {
      const member = view.get(key);
      must(member !== undefined, `no member ${JSON.stringify(key)}`);
      checkView(member, (value as Record<string, unknown>)[key]);
    }
  }
}

type Edits = { value: Record<string, unknown>; set: [string, unknown][]; remove: string[]; spaces: number };

const edits: fc.Arbitrary<Edits> = fc.record({
  value: fc.dictionary(fc.constantFrom(...KEYS), jsonValue, { maxKeys: 6, noNullPrototype: true }),
  set: fc.array(fc.tuple(fc.constantFrom(...KEYS), jsonValue), { maxLength: 3 }),
  remove: fc.array(fc.constantFrom(...KEYS), { maxLength: 3 }),
  spaces: fc.nat(2),
});

/** Edits of bytes come to the same as edits of the value, and the digest does not care for order. */
function checkEdits({ value, set, remove, spaces }: Edits): undefined {
  const bytes = Buffer.from(JSON.stringify(value, null, spaces));
  const view = JsonView.of(bytes);
  const texts = Object.fromEntries(set.map(([key, it]) => [key, JSON.stringify(it)]));
  const edited = splice(bytes, editMembers(view, { set: texts, remove }));
  const expected = new Map(Object.entries(JSON.parse(bytes.toString()) as object));
  for (const key of remove) if (!Object.hasOwn(texts, key)) expected.delete(key);
  for (const [key, it] of Object.entries(texts)) expected.set(key, JSON.parse(it));
  const got = readStrictly(edited);
  must(got !== undefined, `no JSON after the edit: ${edited}`);
  must(!got.repeats, `a key twice after the edit: ${edited}`);
  must(isDeepStrictEqual(new Map(Object.entries(got.value as object)), expected), `another object: ${edited}`);
  const reversed = JSON.stringify(Object.fromEntries(Object.entries(value).reverse()));
  must(paramsDigest(view).equals(paramsDigest(JsonView.of(Buffer.from(reversed)))), 'the digest depends on the order');
}

export const JSON_TARGETS: readonly Target[] = [
  inProcess('json-scan', 30, fc.tuple(anyBytes, fc.boolean()), checkScan),
  inProcess('json-edits', 10, edits, checkEdits),
];
