import { describe, expect, it } from 'vitest';
import { projectOutputSchema, projectStructured } from './structured.js';

const tool = (outputSchema: unknown) => JSON.stringify({ name: 't', inputSchema: { type: 'object' }, outputSchema });
const schemaOf = (outputSchema: unknown) =>
  JSON.parse(projectOutputSchema(Buffer.from(tool(outputSchema))).toString()).outputSchema;
const result = (json: string, projected?: boolean) => projectStructured(Buffer.from(json), projected).toString();

describe('an output schema for legacy clients', () => {
  it('is wrapped when it is not for an object', () => {
    expect(schemaOf({ type: 'array', items: { type: 'string' } })).toEqual({
      type: 'object',
      properties: { result: { type: 'array', items: { type: 'string' } } },
      required: ['result'],
    });
    expect(schemaOf({ anyOf: [{ type: 'object' }, { type: 'null' }] }).properties.result.anyOf).toHaveLength(2);
  });

  it('keeps its dialect at the root, and its bytes', () => {
    const bytes =
      '{"outputSchema":{ "$schema":"https://x/2020-12", "type":"array","maxItems":12345678901234567890 },"name":"t"}';
    expect(projectOutputSchema(Buffer.from(bytes)).toString()).toBe(
      '{"outputSchema":{"$schema":"https://x/2020-12","type":"object","properties":{"result":{ "type":"array","maxItems":12345678901234567890 }},"required":["result"]},"name":"t"}',
    );
  });

  it('takes its local pointers along', () => {
    const { result: moved } = schemaOf({
      type: 'array',
      items: { $ref: '#/$defs/node' },
      $defs: {
        node: { properties: { next: { $dynamicRef: '#' }, $ref: { const: '#/x' } }, default: { $ref: '#/kept' } },
        far: { $ref: 'https://x/#/kept' },
        anchored: { $ref: '#kept' },
        own: { $id: 'https://x/own', $ref: '#/kept' },
        fragment: { $id: '#kept', $ref: '#/moved' },
      },
    }).properties;
    expect(moved.items.$ref).toBe('#/properties/result/$defs/node');
    expect(moved.$defs.node).toEqual({
      properties: { next: { $dynamicRef: '#/properties/result' }, $ref: { const: '#/x' } },
      default: { $ref: '#/kept' },
    });
    expect(moved.$defs.far.$ref).toBe('https://x/#/kept');
    expect(moved.$defs.anchored.$ref).toBe('#kept');
    expect(moved.$defs.own.$ref).toBe('#/kept');
    expect(moved.$defs.fragment.$ref).toBe('#/properties/result/moved');
  });

  it('is left alone when it is for an object or not there', () => {
    for (const json of [tool({ type: 'object' }), tool(undefined), '{"name":"outputSchema"}', tool([])]) {
      const bytes = Buffer.from(json);
      expect(projectOutputSchema(bytes)).toBe(bytes);
    }
  });
});

describe('structured content for legacy clients', () => {
  it('is wrapped when it is no object, and said as text when no text says it', () => {
    expect(result('{"content":[{"type":"image"}],"structuredContent":[1, 2.50]}')).toBe(
      '{"content":[{"type":"image"},{"type":"text","text":"[1, 2.50]"}],"structuredContent":{"result":[1, 2.50]}}',
    );
    expect(result('{"content":[],"structuredContent":"é"}')).toBe(
      '{"content":[{"type":"text","text":"\\"é\\""}],"structuredContent":{"result":"é"}}',
    );
    expect(JSON.parse(result('{"structuredContent":null}'))).toEqual({
      content: [{ type: 'text', text: 'null' }],
      structuredContent: { result: null },
    });
    expect(result('{"structuredContent":7,"content":[{"type":"text","text":"x"}]}')).toBe(
      '{"structuredContent":{"result":7},"content":[{"type":"text","text":"x"}]}',
    );
  });

  it('is wrapped too when the tool’s schema was', () => {
    expect(result('{"content":[],"structuredContent":{"a":1}}', true)).toBe(
      '{"content":[],"structuredContent":{"result":{"a":1}}}',
    );
  });

  it('is left alone otherwise', () => {
    for (const json of ['{"content":[],"structuredContent":{"a":1}}', '{"content":[]}', '{"structuredContents":1}']) {
      const bytes = Buffer.from(json);
      expect(projectStructured(bytes)).toBe(bytes);
    }
  });
});
