import { describe, expect, it } from 'vitest';
import { withoutHopMeta } from './hop-meta.js';

const stripped = (json: string) => withoutHopMeta(Buffer.from(json)).toString();

describe('withoutHopMeta', () => {
  it('takes away what belongs to one hop and leaves every other byte', () => {
    expect(
      stripped(
        '{"a":1.0,"_meta":{"progressToken":1, "x/y":90071992547409931,"io.modelcontextprotocol/logLevel":"info"}}',
      ),
    ).toBe('{"a":1.0,"_meta":{"x/y":90071992547409931}}');
    expect(stripped('{"_meta":{"io.modelcontextprotocol\\/serverInfo":{"name":"x"}}}')).toBe('{"_meta":{}}');
  });

  it.each([
    '{"a":{"_meta":{"progressToken":1}}}',
    '{"_meta":null}',
    '{"_meta":5}',
    '{"_meta":["progressToken"]}',
    '{"_meta":{"a/b":1}}',
    '{"text":"\\"_meta\\" progressToken"}',
    '[]',
  ])('gives the same buffer for %s', (json) => {
    const bytes = Buffer.from(json);
    expect(withoutHopMeta(bytes)).toBe(bytes);
  });
});
