import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_MARKS, MARKS } from './marks.js';
import { scan } from './scan.js';
import { JsonView } from './view.js';

const LIMITS = { depth: 512, nodes: Number.POSITIVE_INFINITY, uniqueKeys: false };
const KEYS: Record<string, number> = {
  _meta: MARKS.meta,
  uri: MARKS.uri,
  resourceUri: MARKS.uri,
  'ui/resourceUri': MARKS.uri,
  isError: MARKS.isError,
  structuredContent: MARKS.structuredContent,
  resultType: MARKS.envelope,
  ttlMs: MARKS.envelope,
  cacheScope: MARKS.envelope,
  requestState: MARKS.questions,
  inputRequests: MARKS.questions,
};
const VALUES: Record<string, number> = { resource_link: MARKS.link, audio: MARKS.audio };

function marksOf(json: string): number {
  const view = scan(Buffer.from(json), LIMITS);
  if (!(view instanceof JsonView)) throw new Error(view.reason);
  return view.marks;
}

/** What JSON.parse finds. */
function found(value: unknown): number {
  if (typeof value === 'string') return VALUES[value] ?? 0;
  if (typeof value !== 'object' || value === null) return 0;
  let marks = 0;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value) && Object.hasOwn(KEYS, key)) marks |= KEYS[key] as number;
    marks |= found(inner);
  }
  return marks;
}

const WORDS = [...Object.keys(KEYS), ...Object.keys(VALUES), 'text', 'r', 'a', 'metas', 'audio '];
const word = fc.oneof(fc.constantFrom(...WORDS), fc.string());
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, word, fc.integer(), fc.array(tie('tree')), fc.dictionary(word, tie('tree'))),
}));
const message = fc.dictionary(word, tree, { minKeys: 1 });

/** The same JSON with every letter of its strings escaped. */
function escaped(json: string): string {
  return json.replace(/[a-zA-Z/_](?=[^"]*"(?:[^"]*"[^"]*")*[^"]*$)/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

describe('marks', () => {
  it('are those of the keys and values a message holds, at any depth', () => {
    fc.assert(
      fc.property(message, (given) => {
        const json = JSON.stringify(given);
        const marks = marksOf(json);
        // Nothing that is there goes unseen; escapes may show more.
        expect(found(given) & ~marks).toBe(0);
        if (!json.includes('\\')) expect(marks).toBe(found(given));
      }),
    );
  });

  it.each([
    ['a key', '{"result":{"_meta":{}}}', MARKS.meta],
    ['a value deep inside', '{"result":{"content":[{"type":"resource_link"}]}}', MARKS.link],
    ['a key as a value, a value as a key', '{"result":{"audio":"_meta"}}', 0],
    ['words inside of text', '{"result":{"text":"say \\"_meta\\", \\"uri\\" or audio"}}', 0],
  ])('tell %s', (_what, json, marks) => {
    expect(marksOf(json)).toBe(marks);
  });

  it.each(Object.entries({ ...KEYS, ...VALUES }))('see %s in escaped spelling', (text, mark) => {
    const json = escaped(JSON.stringify(Object.hasOwn(KEYS, text) ? { [text]: 1 } : { x: text }));
    expect(json).toContain('\\u');
    expect(marksOf(json) & mark).toBe(mark);
  });

  it('are all set where nobody looked', () => {
    expect(JsonView.of(Buffer.from('{"a":1}')).marks).toBe(ALL_MARKS);
    expect(marksOf('[]')).toBe(ALL_MARKS);
  });
});
