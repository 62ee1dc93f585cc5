import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ServerConfig } from '#libs/config';
import { HostPolicy } from './host-policy.js';
import { acceptedTypes, checkContentType } from './post-headers.js';
import { RemoteAddresses } from './remote-address.js';

function policy(change: Partial<ServerConfig> = {}) {
  return new HostPolicy(Object.assign(new ServerConfig(), change));
}

describe('HostPolicy on a loopback listener', () => {
  it.each(['localhost', 'localhost:8082', 'LocalHost:1', '127.0.0.1:9999', '[::1]:8082', '[::1]'])(
    'takes %s',
    (host) => {
      expect(policy().allowsHost(host)).toBe(true);
    },
  );

  it.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:8082',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    'localhost:8082:1',
    'localhost/',
    '',
    ' localhost',
    '0x7f.1',
    '::1',
  ])('refuses %j', (host) => {
    expect(policy().allowsHost(host)).toBe(false);
  });

  it.each(['http://localhost', 'http://localhost:6274', 'https://127.0.0.1:1', 'http://[::1]:80'])(
    'takes pages of this machine: %s',
    (origin) => {
      expect(policy().allowsOrigin(origin)).toBe(true);
      expect(policy().sharesWith(origin)).toBe(false);
    },
  );

  it.each([
    'null',
    'http://evil.example',
    'http://localhost.evil.example',
    'http://localhost@evil.example',
    'http://user@localhost',
    'http://localhost:8082/',
    'http://localhost, http://localhost',
    'file://localhost',
    'localhost',
    '',
  ])('refuses pages of %j', (origin) => {
    expect(policy().allowsOrigin(origin)).toBe(false);
  });
});

describe('HostPolicy on a public listener', () => {
  const open = policy({
    host: '0.0.0.0',
    url: 'https://gw.example:8443',
    allowed_hosts: ['gw.internal', 'Other.Example:99'],
    cors: { allowed_origins: ['https://ok.example'] },
  });

  it.each(['gw.example', 'GW.example:443', 'gw.internal:8082', 'other.example'])('takes %s', (host) => {
    expect(open.allowsHost(host)).toBe(true);
  });

  it.each(['localhost', '127.0.0.1:8082', 'gw.example.evil.com', 'xgw.example'])('refuses %s', (host) => {
    expect(open.allowsHost(host)).toBe(false);
  });

  it('takes configured origins only, compared exactly', () => {
    expect(open.allowsOrigin('https://ok.example')).toBe(true);
    expect(open.sharesWith('https://ok.example')).toBe(true);
    for (const origin of [
      'https://ok.example.evil.com',
      'https://ok.example@evil.com',
      'http://ok.example',
      'https://ok.example:8443',
      'https://OK.example',
      'http://localhost',
    ]) {
      expect(open.allowsOrigin(origin)).toBe(false);
    }
  });
});

describe('RemoteAddresses', () => {
  const from = (remoteAddress: string, forwarded?: string) =>
    ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

  it('believes nobody when no proxy is trusted', () => {
    expect(new RemoteAddresses([]).of(from('10.0.0.1', '1.2.3.4'))).toBe('10.0.0.1');
  });

  it('believes trusted proxies up to the first address that is not one of them', () => {
    const addresses = new RemoteAddresses(['10.0.0.0/8', '::1', 'nonsense', '10.0.0.0/99']);
    expect(addresses.of(from('10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.2'))).toBe('1.2.3.4');
    expect(addresses.of(from('::1', '1.2.3.4'))).toBe('1.2.3.4');
    expect(addresses.of(from('::ffff:10.0.0.9', '::ffff:1.2.3.4'))).toBe('1.2.3.4');
    expect(addresses.of(from('9.9.9.9', '1.2.3.4'))).toBe('9.9.9.9');
    expect(addresses.of(from('10.0.0.1', 'not an address'))).toBe('10.0.0.1');
    expect(addresses.of(from('10.0.0.1', '::1%javascript:'))).toBe('10.0.0.1');
    expect(addresses.of(from('10.0.0.1'))).toBe('10.0.0.1');
  });
});

describe('acceptedTypes', () => {
  it.each([
    [undefined, true, false, false],
    ['', true, false, false],
    ['*/*', true, false, false],
    ['application/*', true, false, false],
    ['application/json, text/event-stream', true, true, false],
    ['text/event-stream, application/json', true, true, true],
    ['application/json;q=0.5, text/event-stream', true, true, true],
    ['text/event-stream;q=0.5 ,APPLICATION/JSON', true, true, false],
    ['text/event-stream', false, true, false],
    ['application/json;q=0, text/event-stream;q=0.0', false, false, false],
    ['text/html', false, false, false],
  ])('%j: json %s, stream %s, stream first %s', (accept, json, stream, streamFirst) => {
    expect(acceptedTypes(accept)).toEqual({ json, stream, streamFirst });
  });
});

describe('checkContentType', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'takes %s',
    (type) => {
      expect(() => checkContentType({ 'content-type': type })).not.toThrow();
    },
  );

  it.each([
    undefined,
    '',
    'text/plain',
    'text/json',
    'application/json;charset=utf-16',
    'application/json; x=y',
    'application/jsonp',
    'multipart/form-data',
    'application/json, text/plain',
  ])('refuses %j', (type) => {
    expect(() => checkContentType({ 'content-type': type })).toThrow('Content-Type');
  });

  it('refuses packed bodies', () => {
    const headers = { 'content-type': 'application/json' };
    expect(() => checkContentType({ ...headers, 'content-encoding': 'gzip' })).toThrow('Content-Encoding');
    expect(() => checkContentType({ ...headers, 'content-encoding': 'identity' })).not.toThrow();
  });
});
