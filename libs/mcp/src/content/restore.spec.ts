import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { exposeUri, splitUri } from '../names/uris.js';
import { restoreArgumentUris } from './restore.js';

const restore = (exposed: string) => splitUri(exposed)?.uri;
const restored = (params: unknown) => {
  const bytes = Buffer.from(typeof params === 'string' ? params : JSON.stringify(params));
  return splice(bytes, restoreArgumentUris(JsonView.of(bytes), 'fs', restore)).toString();
};

describe('restoreArgumentUris', () => {
  it('restores string values of any depth up to eight', () => {
    const nest = (levels: number): unknown => (levels === 0 ? 'fs+file:///a' : { x: nest(levels - 1) });
    expect(JSON.parse(restored({ name: 't', arguments: { path: 'fs+file:///a', list: ['ui://fs+v/1', 1] } }))).toEqual({
      name: 't',
      arguments: { path: 'file:///a', list: ['ui://v/1', 1] },
    });
    expect(restored({ arguments: nest(8) })).not.toContain('fs+');
    expect(restored({ arguments: nest(9) })).toContain('fs+');
  });

  it('sees escaped spellings', () => {
    expect(
      restored('{"arguments":{"a":"fs\\u002bfile:\\/\\/\\/x","b":"\\u0066s+m:\\u00e9","c":"ui:\\/\\/fs+v"}}'),
    ).toBe('{"arguments":{"a":"file:///x","b":"m:é","c":"ui://v"}}');
  });

  it.each([
    ['keys', { arguments: { 'fs+file:///a': 1 } }],
    ['other members of params', { name: 'fs+file:///a', _meta: { x: 'fs+file:///a' } }],
    ['other servers', { arguments: { a: 'git+file:///a', b: 'xfs+file:///a', c: 'ui://git+fs+v' } }],
    ['text that is no URI', { arguments: { a: 'fs+ext4', b: 'fs+', c: 'use fs+file:///a', d: 'fs+two words: x' } }],
    ['very long text', { arguments: { a: `fs+x:${'y'.repeat(20_000)}` } }],
  ])('leaves %s alone', (_name, params) => {
    const bytes = Buffer.from(JSON.stringify(params));
    expect(restoreArgumentUris(JsonView.of(bytes), 'fs', restore)).toEqual([]);
  });

  it('leaves what the catalogue does not know', () => {
    const bytes = Buffer.from('{"arguments":{"a":"fs+file:///a"}}');
    expect(restoreArgumentUris(JsonView.of(bytes), 'fs', () => undefined)).toEqual([]);
  });

  it('undoes exposing wherever it happened', () => {
    const text = fc.oneof(fc.constantFrom('file:///a', 'urn:x:é', 'ui://a/b', 'memo:"\\'), fc.string());
    const args = fc.dictionary(
      fc.string(),
      fc.oneof(text, fc.array(text), fc.integer(), fc.dictionary(fc.string(), text)),
    );
    fc.assert(
      fc.property(args, fc.boolean(), (original, escaped) => {
        const exposed = JSON.stringify({ arguments: original }, (_key, value) =>
          typeof value === 'string' && /^[a-z]+:/.test(value) ? exposeUri('fs', value) : value,
        );
        const spelled = escaped ? exposed.replaceAll('fs+', '\\u0066s\\u002b').replaceAll('/', '\\/') : exposed;
        expect(JSON.parse(restored(spelled))).toEqual(JSON.parse(JSON.stringify({ arguments: original })));
      }),
    );
  });
});
