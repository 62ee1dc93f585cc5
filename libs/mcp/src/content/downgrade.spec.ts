import { describe, expect, it } from 'vitest';
import { downgradeElicitation, downgradeResult, hasMultiSelect } from './downgrade.js';

const link = { type: 'resource_link', uri: 'srv+file:///a', name: 'a.txt', annotations: { priority: 1 }, size: 3 };
const audio = { type: 'audio', data: 'QUJD', mimeType: 'audio/wav' };
const text = { type: 'text', text: 'resource_link "audio"' };

const converted = (method: string, json: unknown, version: string) =>
  JSON.parse(downgradeResult(method, Buffer.from(JSON.stringify(json)), version).toString());

describe('downgradeResult', () => {
  it('leaves results for current clients alone', () => {
    const bytes = Buffer.from(JSON.stringify({ content: [link, audio] }));
    for (const version of ['2026-07-28', '2025-11-25', '2025-06-18']) {
      expect(downgradeResult('tools/call', bytes, version)).toBe(bytes);
    }
    expect(downgradeResult('tools/list', bytes, '2024-11-05')).toBe(bytes);
  });

  it('makes text of links for clients before 2025-06-18', () => {
    const result = { content: [text, link, audio], structuredContent: { a: 1 }, isError: false };
    expect(converted('tools/call', result, '2025-03-26')).toEqual({
      content: [text, { type: 'text', text: 'a.txt: srv+file:///a', annotations: { priority: 1 } }, audio],
      structuredContent: { a: 1 },
      isError: false,
    });
  });

  it('makes a note and an embedded resource of audio for clients before 2025-03-26', () => {
    expect(converted('tools/call', { content: [audio] }, '2024-11-05').content).toEqual([
      { type: 'text', text: 'Audio (audio/wav)' },
      { type: 'resource', resource: { uri: 'urn:mcp-gateway:audio:1', mimeType: 'audio/wav', blob: 'QUJD' } },
    ]);
  });

  it('converts prompt messages, which hold one block each', () => {
    const messages = [
      { role: 'user', content: audio },
      { role: 'user', content: link },
    ];
    expect(converted('prompts/get', { messages }, '2024-11-05').messages).toEqual([
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: { uri: 'urn:mcp-gateway:audio:1', mimeType: 'audio/wav', blob: 'QUJD' },
        },
      },
      { role: 'user', content: { type: 'text', text: 'a.txt: srv+file:///a', annotations: { priority: 1 } } },
    ]);
  });

  it('returns the same buffer when no block needs it', () => {
    const bytes = Buffer.from(JSON.stringify({ content: [text] }));
    expect(downgradeResult('tools/call', bytes, '2024-11-05')).toBe(bytes);
  });
});

describe('downgradeElicitation', () => {
  const params = (properties: object) =>
    Buffer.from(JSON.stringify({ message: 'm', requestedSchema: { type: 'object', properties, required: ['c'] } }));
  const titled = {
    type: 'string',
    title: 'Colour',
    oneOf: [{ const: 'r', title: 'Red "é"' }, { const: 'g' }],
    default: 'r',
  };

  it('spells titled choices as enum and enumNames before 2025-11-25', () => {
    const old = JSON.parse(downgradeElicitation(params({ c: titled, n: { type: 'number' } }), '2025-06-18').toString());
    expect(old.requestedSchema).toEqual({
      type: 'object',
      properties: {
        c: { type: 'string', title: 'Colour', enum: ['r', 'g'], enumNames: ['Red "é"', 'g'] },
        n: { type: 'number' },
      },
      required: ['c'],
    });
  });

  it('leaves out what such clients do not know: the mode, and defaults of anything but booleans', () => {
    const form = Buffer.from(
      '{"mode":"form","requestedSchema":{"properties":{"a":{"type":"number","default":1},"b":{"type":"boolean","default":true},"c":7}}}',
    );
    expect(downgradeElicitation(form, '2025-06-18').toString()).toBe(
      '{"requestedSchema":{"properties":{"a":{"type":"number"},"b":{"type":"boolean","default":true},"c":7}}}',
    );
  });

  it('leaves everything else alone', () => {
    const current = params({ c: titled });
    expect(downgradeElicitation(current, '2025-11-25')).toBe(current);
    const plain = params({ c: { type: 'string', enum: ['a'] }, d: { oneOf: [{ title: 'no const' }] } });
    expect(downgradeElicitation(plain, '2025-06-18')).toBe(plain);
    const url = Buffer.from('{"mode":"url","url":"https://x/oneOf"}');
    expect(downgradeElicitation(url, '2025-06-18')).toBe(url);
  });

  it('tells when several choices at once are asked for', () => {
    expect(hasMultiSelect(params({ c: { type: 'array', items: { enum: ['a'] } } }))).toBe(true);
    expect(hasMultiSelect(params({ c: titled }))).toBe(false);
    expect(hasMultiSelect(Buffer.from('{}'))).toBe(false);
  });
});
