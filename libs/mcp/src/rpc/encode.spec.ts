import { describe, expect, it } from 'vitest';
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
    expect(encodeResult('9007199254740993', Buffer.from(result)).toString()).toBe(
      `{"jsonrpc":"2.0","id":9007199254740993,"result":${result}}`,
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
