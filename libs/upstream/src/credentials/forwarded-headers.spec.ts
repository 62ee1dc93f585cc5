import { describe, expect, it } from 'vitest';
import { HeaderBase } from '../transports/http/request-headers.js';
import { forwarding } from './forwarded-headers.js';

const forward = (names: string[], headers: Record<string, string | string[]>) => forwarding(names)?.(headers);

describe('forward_headers', () => {
  it('costs nothing where it is empty', () => {
    expect(forwarding([])).toBeUndefined();
  });

  it('lets the named headers through and nothing else', () => {
    expect(forward(['x-tenant', 'accept-language'], { 'x-tenant': 'acme', cookie: 'c', authorization: 'a' })).toEqual({
      'x-tenant': 'acme',
    });
    expect(forward(['x-tenant'], { other: '1' })).toBeUndefined();
  });

  it('T086: takes no header for another one that is spelled alike', () => {
    expect(forward(['x-tenant'], { x_tenant: 'evil', 'x-tenant2': 'evil' })).toBeUndefined();
  });

  it.each([
    ['a line break', 'a\r\nx-admin: 1'],
    ['NUL', 'a\0b'],
    ['a control character', 'a\u001bb'],
    ['other than ASCII', 'grüße'],
    ['nothing', ''],
    ['blanks at its end', 'a '],
    ['too much', 'x'.repeat(8_193)],
    ['several values', ['a', 'b']],
  ])('leaves a value behind that has %s', (_what, value) => {
    expect(forward(['x-tenant', 'x-good'], { 'x-tenant': value, 'x-good': 'a\tb c' })).toEqual({ 'x-good': 'a\tb c' });
  });

  it('never replaces a credential, however it is spelled, nor what belongs to the exchange', () => {
    const forwarded = {
      'x-api-key': 'theirs',
      'x_api-key': 'theirs',
      X_API_KEY: 'theirs',
      host: 'evil',
      te: 'x',
      'x-t': '1',
    };
    const flat = new HeaderBase(['accept', '*/*'], { 'X-Api-Key': 'ours' }).with(forwarded);
    expect(flat).toEqual(['accept', '*/*', 'x-api-key', 'ours', 'x-t', '1']);
  });
});
