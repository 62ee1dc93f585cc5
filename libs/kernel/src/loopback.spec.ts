import { describe, expect, it } from 'vitest';
import { isLoopbackAddress, isLoopbackHost } from './loopback.js';

describe('isLoopbackAddress', () => {
  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'])('takes %s', (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
  });

  it.each(['', '::2', '10.0.0.1', '203.0.113.127', '::ffff:10.0.0.1', '127.0.0.256', '127.evil.example', 'localhost'])(
    'leaves out %j',
    (address) => {
      expect(isLoopbackAddress(address)).toBe(false);
    },
  );
});

describe('isLoopbackHost', () => {
  it.each(['localhost', 'LocalHost.', 'idp.localhost', '127.0.0.1', '::1', '[::1]'])('takes %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each(['', '0.0.0.0', '::', 'example.com', 'notlocalhost', 'localhost.example.com', '127.example.com'])(
    'leaves out %j',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );
});
