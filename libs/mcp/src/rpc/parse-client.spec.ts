import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnvelopeError, type Message } from './envelope.js';
import { MAX_BATCH, parseClientMessage } from './parse-client.js';

const LIMITS = { depth: 64, nodes: 100_000 };
const parse = (text: string | object): Message =>
  parseClientMessage(Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)), LIMITS);

function refusal(text: string | object): EnvelopeError {
  try {
    parse(text);
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return thrown;
    throw thrown;
  }
  throw new Error('accepted');
}

const request = (more: object = {}) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', ...more });

describe('the kinds of messages', () => {
  it('reads a request', () => {
    const text = '{"method":"tools/call","params":{"name":"a:b","arguments":{"n":1}},"jsonrpc":"2.0","id":7}';
    const message = parse(text);
    expect(message).toMatchObject({ kind: 'request', id: 7, idJson: '7', method: 'tools/call' });
    if (message.kind !== 'request') return;
    expect(message.params?.get('name')?.string()).toBe('a:b');
    expect(message.bytes.toString()).toBe(text);
    expect(message.view.get('method')?.string()).toBe('tools/call');
  });

  it('reads a notification and a request without params', () => {
    expect(parse({ jsonrpc: '2.0', method: 'notifications/initialized' })).toMatchObject({
      kind: 'notification',
      method: 'notifications/initialized',
    });
    expect(parse(request())).toMatchObject({ kind: 'request' });
  });

  it('reads responses', () => {
    expect(parse({ jsonrpc: '2.0', id: 'x', result: {} })).toMatchObject({ kind: 'response', id: 'x', idJson: '"x"' });
    const failed = parse({ jsonrpc: '2.0', id: 3, error: { code: -32601, message: 'no' } });
    expect(failed.kind === 'response' && failed.error?.get('code')?.value()).toBe(-32601);
  });

  it('reads an error whose sender could not tell the id', () => {
    for (const id of [{}, { id: null }]) {
      const message = parse({ jsonrpc: '2.0', ...id, error: { code: -32700, message: 'no' } });
      expect(message.kind).toBe('response');
      expect(message).not.toHaveProperty('id');
    }
  });

  it.each([
    [{ jsonrpc: '2.0', result: {}, error: {}, id: 1 }],
    [{ jsonrpc: '2.0', id: 1 }],
    [request({ result: {} })],
    [request({ error: {} })],
    [{ jsonrpc: '2.0', result: {} }],
    [{ jsonrpc: '2.0', id: null, result: {} }],
    [{ jsonrpc: '2.0', id: 1, error: 'boom' }],
    [{ id: 1, method: 'ping' }],
    [request({ jsonrpc: '1.0' })],
    [request({ jsonrpc: 2.0 })],
    [request({ method: '' })],
    [request({ method: 1 })],
    [request({ method: null })],
    [request({ method: 'x'.repeat(300) })],
    [request({ params: [] })],
    [request({ params: null })],
    [request({ params: 'x' })],
    ['"text"'],
    ['null'],
    ['1'],
  ])('refuses %j as INVALID_REQUEST', (message) => {
    expect(refusal(message as object).code).toBe('INVALID_REQUEST');
  });

  it('refuses what is not JSON as PARSE_ERROR', () => {
    for (const text of ['', '{', '{}{}', '{"jsonrpc":"2.0",}', '\ufeff{}'])
      expect(refusal(text).code).toBe('PARSE_ERROR');
    expect(refusal('{"a" 1}').message).toBe("Not valid JSON: expected ':' but found '1' (byte 5)");
  });

  it('refuses a _meta that is not an object', () => {
    expect(refusal(request({ params: { _meta: 1 } }))).toMatchObject({ code: 'INVALID_PARAMS', idJson: '1' });
  });
});

describe('ids', () => {
  it('keeps the spelling of ids, also beyond 2^53', () => {
    expect(parse('{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}')).toMatchObject({
      idJson: '9007199254740993',
    });
    expect(parse('{"jsonrpc":"2.0","id":"\\u0061","method":"ping"}')).toMatchObject({ id: 'a', idJson: '"\\u0061"' });
    expect(parse(request({ id: -5 }))).toMatchObject({ id: -5 });
    expect(parse(request({ id: 0 }))).toMatchObject({ id: 0 });
    expect(parse(request({ id: '' }))).toMatchObject({ id: '' });
  });

  it.each(['null', '1.0', '1e3', '1.5', 'true', '{}', '[1]', `"${'x'.repeat(2000)}"`])('refuses the id %s', (id) => {
    const error = refusal(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
    expect(error.code).toBe('INVALID_REQUEST');
    expect(error.idJson).toBeUndefined();
  });

  it('tells the id of a refused message whenever there is exactly one valid id', () => {
    expect(refusal('{"id":5,"jsonrpc":"1.0","method":"ping"}').idJson).toBe('5');
    expect(refusal('{"id":"a","jsonrpc":"2.0","method":""}').idJson).toBe('"a"');
    expect(refusal('{"jsonrpc":"2.0","method":"m","method":"n","id":6}').idJson).toBe('6');
    expect(refusal(`{"params":${'{"a":'.repeat(70)}1${'}'.repeat(70)},"id":8}`).idJson).toBe('8');
    expect(refusal('{"id":5,"Method":"x","method":"ping","jsonrpc":"2.0"}').idJson).toBe('5');
    expect(refusal('{"id":5,"id":6,"jsonrpc":"2.0","method":"ping"}').idJson).toBeUndefined();
    expect(refusal('{"id":5,"ID":6,"jsonrpc":"2.0","method":"ping"}').idJson).toBeUndefined();
    expect(refusal('{"id":5,').idJson).toBeUndefined();
  });
});

describe('ambiguity', () => {
  it.each([
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ok","name":"evil"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ok","n\\u0061me":"evil"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1,"progressToken":2}}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":[{"x":1,"\\u0078":2}]}}}',
  ])('refuses repeated keys: %s', (text) => {
    expect(refusal(text).code).toBe('PARSE_ERROR');
  });

  it.each([
    '{"jsonrpc":"2.0","id":1,"method":"m","Method":"x"}',
    '{"jsonrpc":"2.0","id":1,"method":"m","METHOD":"x"}',
    '{"jsonrpc":"2.0","id":1,"method":"m","method\\u0000":"x"}',
    '{"jsonrpc":"2.0","id":1,"method":"m","met\\u001fhod":"x"}',
    '{"jsonrpc":"2.0","id":1,"method":"m","\u200bmethod":"x"}',
    '{"jsonrpc":"2.0","id":1,"m\\u0065thod":"m"}',
    '{"jsonrpc":"2.0","id":1,"method":"m","param\u017f":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","re\\u017fult":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"Name":"x"}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"n\\u0061me":"x"}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"argument\u017f":{}}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"progressto\u212aen":1}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_META":{}}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"ProgressToken":1}}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolversion":1}}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.ModelContextProtocol/somethingNew":1}}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol\\/clientInfo":1}}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"\\u0069o.modelcontextprotocol/somethingNew":1}}}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"Traceparent":1}}}',
  ])('refuses protocol members in disguise: %s', (text) => {
    expect(refusal(text)).toMatchObject({ code: 'INVALID_REQUEST', idJson: '1' });
  });

  it('says which key it means', () => {
    expect(refusal('{"jsonrpc":"2.0","id":1,"method":"m","params":{"Name":"x"}}').message).toBe(
      'A key in params (byte 47) can be mistaken for "name" but is spelled differently',
    );
  });

  it('lets other unknown members and any spelling inside arguments pass', () => {
    const message = parse({
      ...request(),
      vendor: 1,
      Überraschung: 2,
      params: {
        name: 'x',
        task: { ttl: 1 },
        'naïve\n': 1,
        arguments: { Name: 1, METHOD: 2, 'n\u0000ame': 3, _Meta: {} },
        _meta: {
          progressToken: 1,
          traceparent: 'x',
          'com.example/Name': 1,
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/somethingNew': 1,
        },
      },
    });
    expect(message.kind).toBe('request');
  });

  it('looks for disguises also among more members than are indexed', () => {
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`m${i}`, i]));
    expect(parse(request({ params: many })).kind).toBe('request');
    expect(refusal(request({ params: { ...many, Name: 1 } })).code).toBe('INVALID_REQUEST');
  });
});

describe('batches', () => {
  it('reads each element on its own and keeps faults in place', () => {
    const message = parse([
      request({ params: { name: 'x' } }),
      5,
      { jsonrpc: '2.0', method: 'notifications/cancelled' },
      { jsonrpc: '2.0', id: 9, method: 'm', params: { Name: 1 } },
      { jsonrpc: '2.0', id: 2, result: {} },
    ]);
    if (message.kind !== 'batch') throw new Error('no batch');
    expect(
      message.items.map((item) => (item instanceof EnvelopeError ? `${item.code} ${item.idJson}` : item.kind)),
    ).toEqual(['request', 'INVALID_REQUEST undefined', 'notification', 'INVALID_REQUEST 9', 'response']);
    const first = message.items[0];
    expect(!(first instanceof EnvelopeError) && JSON.parse(String(first?.bytes))).toMatchObject({ id: 1 });
    expect(!(first instanceof EnvelopeError) && first?.kind === 'request' && first.params?.get('name')?.string()).toBe(
      'x',
    );
  });

  it('refuses empty and overlong ones, and nested arrays', () => {
    expect(refusal('[]').code).toBe('INVALID_REQUEST');
    expect(refusal(Array.from({ length: MAX_BATCH + 1 }, () => request())).code).toBe('INVALID_REQUEST');
    const nested = parse([[request()]]);
    expect(nested.kind === 'batch' && nested.items[0]).toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('limits', () => {
  it('names the limit and its configuration key', () => {
    expect(refusal('['.repeat(65)).message).toContain('nesting deeper than 64 levels');
    expect(refusal('['.repeat(65)).message).toContain('server.limits.json_depth');
    const nodes = refusal(request({ params: { arguments: { a: Array(100_001).fill(0) } } }));
    expect(nodes).toMatchObject({ code: 'INVALID_REQUEST', idJson: '1' });
    expect(nodes.message).toContain('server.limits.json_nodes');
  });

  it('survives half a million brackets', () => {
    expect(refusal('['.repeat(500_000)).code).toBe('INVALID_REQUEST');
    expect(refusal(`{"params":${'['.repeat(500_000)}`).code).toBe('INVALID_REQUEST');
  });
});

describe('anything else', () => {
  it('never throws anything but EnvelopeError', () => {
    const limits = { depth: 5, nodes: 50 };
    const attempt = (bytes: Buffer) => {
      try {
        parseClientMessage(bytes, limits);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(EnvelopeError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(Buffer.from(bytes))));
    const member = fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error', '_meta', 'Id', 'ıd');
    const value = fc.oneof(fc.constantFrom('2.0', 'ping', 1, null, {}, []), fc.jsonValue({ maxDepth: 3 }));
    const messages = fc.dictionary(member, fc.oneof(value, fc.dictionary(member, value)));
    fc.assert(
      fc.property(fc.oneof(messages, fc.array(messages), fc.jsonValue()), (json) =>
        attempt(Buffer.from(JSON.stringify(json))),
      ),
      { numRuns: 1000 },
    );
  });
});
