import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutLinks } from './links.js';

const link = (uri: string) => ({ type: 'resource_link', uri, name: uri });
const text = (said: string) => ({ type: 'text', text: said });
const unwanted = (uri: string) => uri.startsWith('hidden:');

const told = (method: string, result: unknown, space?: number) =>
  JSON.parse(withoutLinks(method, Buffer.from(JSON.stringify(result, null, space)), unwanted).toString());

describe('links', () => {
  it('are taken out of a tool’s content wherever they stand, and nothing else is', () => {
    const block = fc.oneof(
      fc.constantFrom('hidden:a', 'hidden:b', 'open:a', 'hidde').map(link),
      fc.string().map(text),
      fc.constant({ type: 'resource', resource: { uri: 'hidden:a', text: 'x' } }),
      fc.constant(7),
    );
    fc.assert(
      fc.property(fc.array(block), fc.constantFrom(0, 2), (content, space) => {
        const kept = content.filter((one) => !(typeof one === 'object' && 'uri' in one && unwanted(one.uri)));
        expect(told('tools/call', { before: 1, content, isError: false }, space)).toEqual({
          before: 1,
          content: kept,
          isError: false,
        });
      }),
    );
  });

  it('are taken out of messages, and messages that are nothing else go', () => {
    const messages = [
      { role: 'user', content: link('hidden:a') },
      { role: 'user', content: [text('a'), link('hidden:a')] },
      { role: 'user', content: link('open:a') },
      { role: 'user', content: link('hidden:b') },
    ];
    expect(told('prompts/get', { messages })).toEqual({
      messages: [
        { role: 'user', content: [text('a')] },
        { role: 'user', content: link('open:a') },
      ],
    });
  });

  it('spelled with escapes are found too', () => {
    const result = Buffer.from('{"content":[{"type":"resource\\u005flink","uri":"hidden\\u003aa"}]}');
    expect(withoutLinks('tools/call', result, unwanted).toString()).toBe('{"content":[]}');
  });

  it('are no reason to touch a result that has none to hide', () => {
    const plain = Buffer.from(JSON.stringify({ content: [text('resource'), link('open:a')] }));
    expect(withoutLinks('tools/call', plain, unwanted)).toBe(plain);
    const read = Buffer.from(JSON.stringify({ contents: [link('hidden:a')] }));
    expect(withoutLinks('resources/read', read, unwanted)).toBe(read);
  });
});
