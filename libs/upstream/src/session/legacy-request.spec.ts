import { describe, expect, it } from 'vitest';
import type { Exchange } from '#libs/kernel';
import { Draft } from '#libs/mcp';
import { exchangeOf, RecordingSink } from '../testing/callers.js';
import { outboundOf } from './legacy-request.js';
import type { SessionRequest } from './upstream-session.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function requestOf(params: string | undefined, exchange?: Exchange): SessionRequest {
  return {
    method: 'tools/call',
    params: params === undefined ? undefined : Draft.of(Buffer.from(params)),
    subject: 'tool x',
    timeout: 5_000,
    maxTotal: 5_000,
    ...(exchange && { caller: { exchange, sink: new RecordingSink(), wantsProgress: false, solo: true } }),
  };
}

describe('a legacy request on the wire', () => {
  it('keeps every other byte of params and _meta', () => {
    const params = '{ "name":"x","arguments":{"n":9007199254740993},"_meta":{"a/b":1.0, "progressToken":"old"}}';
    const body = outboundOf(2, requestOf(params, exchangeOf()), 'request', undefined).body.toString();
    expect(body).toContain('"arguments":{"n":9007199254740993},"_meta":{"a/b":1.0,"progressToken":2}');
    const bare = outboundOf(3, requestOf('{"name":"x"}', exchangeOf()), 'request', undefined).body.toString();
    expect(bare).toContain('"name":"x"');
    expect(JSON.parse(bare)).toMatchObject({ id: 3, params: { name: 'x', _meta: { progressToken: 3 } } });
  });

  it('has params for what the gateway says of a call that has none', () => {
    const exchange = exchangeOf();
    const { body, headers } = outboundOf(4, requestOf(undefined, exchange), 'connection', undefined);
    const _meta = { progressToken: 4, 'dev.mcp-gateway/request-id': exchange.id };
    expect(JSON.parse(body.toString())).toEqual({ jsonrpc: '2.0', id: 4, method: 'tools/call', params: { _meta } });
    expect(headers).toBeUndefined();
  });

  it('says nothing of anybody when it is the gateway’s own', () => {
    const forwarded = () => ({ 'x-tenant': 'a' });
    const outbound = outboundOf(5, requestOf('{"name":"x"}'), 'request', forwarded);
    expect(JSON.parse(outbound.body.toString())).toMatchObject({ id: 5, params: { name: 'x' } });
    expect(outbound.body.toString()).not.toContain('_meta');
    expect([outbound.headers, outbound.caller]).toEqual([undefined, undefined]);
    expect(JSON.parse(outboundOf(6, requestOf(undefined), 'request', undefined).body.toString())).toEqual({
      jsonrpc: '2.0',
      id: 6,
      method: 'tools/call',
    });
  });

  it('takes the caller’s headers along, but for those the gateway sets itself', () => {
    const forwarded = () => ({ 'x-tenant': 'a', 'x-request-id': 'theirs' });
    const exchange = exchangeOf({ traceparent: TRACEPARENT });
    const request = requestOf('{}', exchange);
    const headers = { 'x-tenant': 'a', 'x-request-id': exchange.id, traceparent: TRACEPARENT };
    expect(outboundOf(7, request, 'request', forwarded).headers).toEqual(headers);
    // One stream for all: there is no request to have these headers.
    expect(outboundOf(8, request, 'connection', forwarded).headers).toEqual(forwarded());
  });
});
