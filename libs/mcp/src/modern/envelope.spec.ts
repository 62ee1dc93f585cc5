import { describe, expect, it } from 'vitest';
import { JsonView } from '../json/view.js';
import { MODERN_METHODS, modernEnvelope, namedMember } from './envelope.js';

const read = (json: string) => modernEnvelope(JsonView.of(Buffer.from(json)));

describe('the modern envelope', () => {
  it('is read as it came, also where it is wrong', () => {
    const { version, clientInfo, clientCapabilities, logLevel } = read(
      '{"_meta":{"io.modelcontextprotocol/protocolVersion":7,"io.modelcontextprotocol/clientInfo":{"name":"c"},"io.modelcontextprotocol/clientCapabilities":null,"io.modelcontextprotocol/logLevel":"loud"}}',
    );
    expect(version?.type).toBe('number');
    expect(clientInfo?.get('name')?.string()).toBe('c');
    expect(clientCapabilities?.type).toBe('null');
    expect(logLevel?.string()).toBe('loud');
  });

  it('is empty when nothing says otherwise', () => {
    expect(modernEnvelope(undefined)).toEqual({});
    for (const json of ['{}', '{"_meta":{}}', '{"_meta":[]}', '{"_meta":null}', '[]']) expect(read(json)).toEqual({});
  });
});

it('serves no method that the modern revisions removed, and knows which name what they are about', () => {
  for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'tasks/list']) {
    expect(MODERN_METHODS.has(method)).toBe(false);
  }
  expect([...MODERN_METHODS].filter((method) => namedMember(method))).toEqual([
    'tools/call',
    'prompts/get',
    'resources/read',
  ]);
});
