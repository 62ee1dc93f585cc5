import { describe, expect, it } from 'vitest';
import { headerOf, type Response, ResponseParser } from './response.ts';

/** Feeds the text in pieces of each size in turn, through one buffer as a connection does. */
function readAll(text: string, size: number): Response[] {
  const found: Response[] = [];
  const parser = new ResponseParser((response) => found.push(response));
  const bytes = Buffer.from(text, 'latin1');
  const shared = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const count = bytes.copy(shared, 0, at, Math.min(bytes.length, at + size));
    parser.feed(shared.subarray(0, count));
  }
  shared.fill('!');
  parser.end();
  return found;
}

const SIZES = [1, 2, 3, 7, 64, 4096];

describe('ResponseParser', () => {
  it.each(SIZES)(
    'reads lengths, chunks with extensions and trailers, and bodies without, %i bytes at a time',
    (size) => {
      const text = [
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nMcp-Session-Id: AbC\r\n\r\nhello',
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=1\r\nwi\r\n\r\n10\r\n0123456789abcdef\r\n0\r\nt: 1\r\n\r\n',
        'HTTP/1.1 204 No Content\r\n\r\n',
        'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n',
        'HTTP/1.1 502 Bad Gateway\r\n\r\nuntil the end',
      ].join('');
      const found = readAll(text, size);
      expect(found.map(({ status, body }) => [status, body.toString('latin1')])).toEqual([
        [200, 'hello'],
        [200, 'wi\r\n0123456789abcdef'],
        [204, ''],
        [202, ''],
        [502, 'until the end'],
      ]);
      expect(headerOf(found[0] as Response, 'mcp-session-id')).toBe('AbC');
      expect(headerOf(found[0] as Response, 'session-id')).toBeUndefined();
    },
  );

  it('does not take what is no HTTP for a response', () => {
    expect(() => readAll('SSH-2.0-x\r\n\r\n', 64)).toThrow(/no HTTP response/);
  });

  it('knows a close in the middle of a body from one between responses', () => {
    const parser = new ResponseParser(() => {});
    parser.feed(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel'));
    expect(parser.end()).toBe(false);
  });
});
