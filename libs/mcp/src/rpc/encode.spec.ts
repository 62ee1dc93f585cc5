import { describe, expect, it } from 'vitest';
import { inOne, lengthOf } from '../bytes.js';
import { encodeError, encodeNotification, encodeRequest, encodeResult, errorObject } from './encode.js';

describe('encoding JSON-RPC messages', () => {
  it('writes a request with and without params', () => {
    expect(encodeRequest(1, 'ping').toString()).toBe('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    expect(encodeRequest('"a"', 'tools/call', Buffer.from('{"name":"ä"}')).toString()).toBe(
      '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"ä"}}',
    );
    expect(encodeRequest('"ä"', 'x', '{}').toString()).toBe('{"jsonrpc":"2.0","id":"ä","method":"x","params":{}}');
  });

  it('writes a notification', () => {
    expect(encodeNotification('notifications/progress', Buffer.from('{"progress":1}')).toString()).toBe(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}',
    );
  });

  it('echoes ids and results byte for byte', () => {
    const result = '{ "big": 9007199254740993, "e": 1.0e2 }';
    expect(inOne(encodeResult('9007199254740993', Buffer.from(result))).toString()).toBe(
      `{"jsonrpc":"2.0","id":9007199254740993,"result":${result}}`,
    );
  });

  it('makes a result a piece of the message instead of copying it', () => {
    const result = Buffer.from(JSON.stringify({ text: 'ä'.repeat(20_000) }));
    const message = encodeResult('"é"', result);
    expect(Array.isArray(message) && message.some((piece) => piece === result)).toBe(true);
    expect(inOne(message).toString()).toBe(`{"jsonrpc":"2.0","id":"é","result":${result}}`);
    expect(lengthOf(message)).toBe(inOne(message).length);
    expect(inOne(encodeResult(1, [result.subarray(0, -1), Buffer.from(',"a":1}')])).toString()).toBe(
      `{"jsonrpc":"2.0","id":1,"result":${result.toString().slice(0, -1)},"a":1}}`,
    );
  });

  it('writes errors, also for a request whose id is unknown', () => {
    const error = errorObject(-32700, 'Say "what"?', { offset: 3 });
    expect(JSON.parse(encodeError(null, error).toString())).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32700, message: 'Say "what"?', data: { offset: 3 } },
    });
    expect(errorObject(1, 'm')).toBe('{"code":1,"message":"m"}');
  });

  it('keeps multi-byte text in ids apart from the payload', () => {
    const message = encodeError('"schlüssel-鍵"', Buffer.from('{"code":1,"message":"é"}'));
    expect(JSON.parse(message.toString())).toMatchObject({ id: 'schlüssel-鍵', error: { message: 'é' } });
  });
});
