import { describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { parseUpstreamMessage } from './parse-upstream.js';

const parse = (text: string) => parseUpstreamMessage(Buffer.from(text));

function refusal(text: string): GatewayError {
  try {
    parse(text);
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error('accepted');
}

describe('reading what a server sent', () => {
  it('reads responses, requests and notifications', () => {
    expect(parse('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')).toMatchObject({ kind: 'response', id: 1 });
    expect(parse('{"jsonrpc":"2.0","id":"e1","method":"elicitation/create","params":{}}')).toMatchObject({
      kind: 'request',
      idJson: '"e1"',
    });
    expect(parse(' {"jsonrpc":"2.0","method":"notifications/progress"}\n')).toMatchObject({ kind: 'notification' });
  });

  it('tolerates unknown members, repetition inside payloads and odd spelling', () => {
    const message = parse('{"jsonrpc":"2.0","id":1,"Result":1,"x":0,"x":1,"result":{"a":1,"a":2,"Name":3}}');
    expect(message.kind === 'response' && message.result?.get('a')?.value()).toBe(2);
  });

  it('tolerates an error without a readable id', () => {
    expect(parse('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}')).toMatchObject({
      kind: 'response',
    });
  });

  it('keeps numbers as they are', () => {
    const message = parse('{"jsonrpc":"2.0","id":1,"result":{"n":9007199254740993,"f":1.10}}');
    expect(message.kind === 'response' && message.result?.raw().toString()).toBe('{"n":9007199254740993,"f":1.10}');
  });

  it.each([
    'Listening on port 3000',
    '',
    '{"jsonrpc":"2.0","id":1}',
    '{"id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{},"result":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{},"r\\u0065sult":{}}',
    '[{"jsonrpc":"2.0","id":1,"result":{}}]',
    `{"jsonrpc":"2.0","id":1,"result":${'['.repeat(600)}${']'.repeat(600)}}`,
  ])('refuses %s', (text) => {
    expect(refusal(text).code).toBe('UPSTREAM_PROTOCOL');
  });

  it('says what is wrong with the offending text and repeats none of it', () => {
    expect(refusal('\u001b[31mStarting server…\n').message).toBe(
      'What the server sent is not an MCP message: not valid JSON: expected a value but found the byte 0x1b (byte 0)',
    );
    expect(refusal('{"token":"abc"}').message).not.toContain('abc');
  });
});
