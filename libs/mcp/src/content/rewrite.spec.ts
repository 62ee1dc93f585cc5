import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exposeUri } from '../names/uris.js';
import { rewriteAskUris, rewriteItem, rewriteResultUris } from './rewrite.js';

const map = (uri: string) => exposeUri('srv', uri);
const result = (method: string, json: unknown) => {
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  return rewriteResultUris(method, Buffer.from(text), map).toString();
};

describe('rewriteResultUris', () => {
  it('rewrites links and embedded resources of a tool result', () => {
    const content = [
      { type: 'text', text: 'see "uri" file:///a' },
      { type: 'resource_link', uri: 'file:///a', name: 'a' },
      { type: 'resource', resource: { uri: 'memo:x', text: 'y' } },
      { type: 'custom', uri: 'file:///a' },
    ];
    expect(JSON.parse(result('tools/call', { content, structuredContent: { uri: 'file:///a' } }))).toEqual({
      content: [
        content[0],
        { type: 'resource_link', uri: 'srv+file:///a', name: 'a' },
        { type: 'resource', resource: { uri: 'srv+memo:x', text: 'y' } },
        content[3],
      ],
      structuredContent: { uri: 'file:///a' },
    });
  });

  it('rewrites prompt messages, with one block or several', () => {
    const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
    const messages = [
      { role: 'user', content: link },
      { role: 'user', content: [link] },
      { role: 'user', content: 'text' },
    ];
    const rewritten = JSON.parse(result('prompts/get', { messages }));
    expect(rewritten.messages[0].content.uri).toBe('srv+file:///a');
    expect(rewritten.messages[1].content[0].uri).toBe('srv+file:///a');
    expect(rewritten.messages[2]).toEqual(messages[2]);
  });

  it('rewrites what was read, and a sampling answer', () => {
    expect(
      JSON.parse(result('resources/read', { contents: [{ uri: 'file:///a', text: '' }, { uri: 'ui://x/y' }] })),
    ).toEqual({
      contents: [{ uri: 'srv+file:///a', text: '' }, { uri: 'ui://srv+x/y' }],
    });
    const answer = { role: 'assistant', content: { type: 'resource_link', uri: 'x:y', name: 'n' } };
    expect(JSON.parse(result('sampling/createMessage', answer)).content.uri).toBe('srv+x:y');
  });

  it('rewrites the interface keys of _meta', () => {
    const _meta = { ui: { resourceUri: 'ui://v/1' }, 'ui/resourceUri': 'ui://v/1', other: 'ui://v/1' };
    expect(JSON.parse(result('tools/call', { content: [], _meta }))._meta).toEqual({
      ui: { resourceUri: 'ui://srv+v/1' },
      'ui/resourceUri': 'ui://srv+v/1',
      other: 'ui://v/1',
    });
    const php = '{"_meta":{"ui\\/resourceUri":"ui:\\/\\/v\\/1"}}';
    expect(result('tools/call', php)).toBe('{"_meta":{"ui\\/resourceUri":"ui://srv+v/1"}}');
  });

  it('leaves web addresses and relative references bare', () => {
    const content = ['https://a/b', 'HTTP://a', 'a/b.txt', ''].map((uri) => ({
      type: 'resource_link',
      uri,
      name: 'n',
    }));
    const text = JSON.stringify({ content });
    expect(result('tools/call', text)).toBe(text);
  });

  it('changes only the bytes of the URI', () => {
    const text =
      '{ "content" : [ {"uri":"file:\\/\\/\\/\\u00e9","type":"resource\\u005flink","n":9007199254740993} ],"f":1.0 }';
    expect(result('tools/call', text)).toBe(
      '{ "content" : [ {"uri":"srv+file:///é","type":"resource\\u005flink","n":9007199254740993} ],"f":1.0 }',
    );
  });

  it('returns the same buffer when there is nothing to change', () => {
    for (const text of [
      '{"content":[{"type":"text","text":"hi"}]}',
      '{"content":[{"type":"resource_link"}]}',
      '[]',
      '1',
    ]) {
      const bytes = Buffer.from(text);
      expect(rewriteResultUris('tools/call', bytes, map)).toBe(bytes);
    }
    const bytes = Buffer.from('{"content":[{"type":"resource_link","uri":"a:b"}]}');
    expect(rewriteResultUris('tools/call', bytes, (uri) => uri)).toBe(bytes);
    expect(rewriteResultUris('tools/list', bytes, map)).toBe(bytes);
  });

  it('does what the naive object edit does, on any content', () => {
    const uri = fc.constantFrom('file:///a', 'https://a', 'ui://a/b', 'rel', '', 'urn:é"\\');
    const block = fc.oneof(
      fc.record({ type: fc.constant('resource_link'), uri, name: fc.string() }),
      fc.record({ type: fc.constant('resource'), resource: fc.record({ uri, text: fc.string() }) }),
      fc.record({ type: fc.constant('text'), text: fc.string() }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const naive = (value: unknown) =>
      typeof value === 'string' && /^[a-z]+:/.test(value) && !value.startsWith('http') ? map(value) : value;
    fc.assert(
      fc.property(fc.array(block), (content) => {
        const expected = JSON.parse(JSON.stringify({ content }));
        for (const b of expected.content) {
          if (b?.type === 'resource_link') b.uri = naive(b.uri);
          if (b?.type === 'resource') b.resource.uri = naive(b.resource.uri);
        }
        expect(JSON.parse(result('tools/call', { content }))).toEqual(expected);
      }),
    );
  });
});

describe('rewriteAskUris', () => {
  it('rewrites blocks of sampling messages, also inside tool results', () => {
    const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
    const params = {
      messages: [
        { role: 'user', content: link },
        {
          role: 'user',
          content: [{ type: 'tool_result', toolUseId: '1', content: [link, { type: 'text', text: 'x' }] }],
        },
      ],
    };
    const rewritten = JSON.parse(rewriteAskUris(Buffer.from(JSON.stringify(params)), map).toString());
    expect(rewritten.messages[0].content.uri).toBe('srv+file:///a');
    expect(rewritten.messages[1].content[0].content[0].uri).toBe('srv+file:///a');
  });

  it('leaves an elicitation as it is', () => {
    const bytes = Buffer.from(
      '{"message":"?","requestedSchema":{"properties":{"uri":{"type":"string","format":"uri"}}}}',
    );
    expect(rewriteAskUris(bytes, map)).toBe(bytes);
  });
});

describe('rewriteItem', () => {
  it('sets the name, drops execution and keeps everything else byte for byte', () => {
    const item =
      '{"execution":{"taskSupport":"optional"},"name":"a","x":1.0,"big":9007199254740993,"_meta":{"ui":{"resourceUri":"ui://v"}}}';
    expect(rewriteItem(Buffer.from(item), { name: 'srv:a', map }).toString()).toBe(
      '{"name":"srv:a","x":1.0,"big":9007199254740993,"_meta":{"ui":{"resourceUri":"ui://srv+v"}}}',
    );
  });

  it('sets URIs and templates', () => {
    expect(rewriteItem(Buffer.from('{"uri":"a:b","name":"n"}'), { uri: 'srv+a:b' }).toString()).toBe(
      '{"uri":"srv+a:b","name":"n"}',
    );
    expect(rewriteItem(Buffer.from('{"uriTemplate":"a:{b}"}'), { uriTemplate: 'srv+a:{b}' }).toString()).toBe(
      '{"uriTemplate":"srv+a:{b}"}',
    );
  });

  it('returns the same buffer when nothing changes', () => {
    const item = Buffer.from('{"name":"a","_meta":{"ui":{"resourceUri":"https://v"}}}');
    expect(rewriteItem(item, { name: 'a', map })).toBe(item);
    const odd = Buffer.from('"not an object"');
    expect(rewriteItem(odd, { name: 'a' })).toBe(odd);
  });
});
