import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { oneLine, SSE_KEEP_ALIVE, sseFrame } from './frame.js';
import { SseParser } from './parser.js';

interface Seen {
  event: string;
  data: string;
  id?: string;
}

function reader(maxEventBytes = 1_000_000) {
  const seen: Seen[] = [];
  const retries: number[] = [];
  const parser = new SseParser(maxEventBytes, {
    onEvent: ({ event, data, id }) => seen.push({ event, data: data.toString(), ...(id === undefined ? {} : { id }) }),
    onRetry: (milliseconds) => retries.push(milliseconds),
  });
  return { seen, retries, push: (chunk: string | Buffer) => parser.push(Buffer.from(chunk as string)) };
}

function events(stream: string | Buffer): Seen[] {
  const r = reader();
  r.push(stream);
  return r.seen;
}

describe('reading server-sent events', () => {
  it('reads events, names, ids and several lines of data', () => {
    expect(
      events('event: endpoint\ndata: /messages?x=1\n\nid: 7\ndata: a\ndata: b\ndata:\ndata\n\ndata:x\n\n'),
    ).toEqual([
      { event: 'endpoint', data: '/messages?x=1' },
      { event: 'message', data: 'a\nb\n\n', id: '7' },
      { event: 'message', data: 'x' },
    ]);
  });

  it('takes one space after the colon, not more', () => {
    expect(events('data:  two\n\n')).toEqual([{ event: 'message', data: ' two' }]);
  });

  it('reads CR, LF and CRLF line ends', () => {
    expect(events('data: a\rdata: b\r\rdata: c\r\n\r\ndata: d\n\n').map((e) => e.data)).toEqual(['a\nb', 'c', 'd']);
  });

  it('skips comments, unknown fields and a byte order mark', () => {
    expect(events('\ufeffdata: a\n: comment\nfoo: bar\nunknown-field: x\nnothing\n\n: \n\n')).toEqual([
      { event: 'message', data: 'a' },
    ]);
  });

  it('delivers an event without data only when it has an id', () => {
    expect(events('id: prime\ndata: \n\nevent: x\n\ndata:\n\nid: only\n\n')).toEqual([
      { event: 'message', data: '', id: 'prime' },
      { event: 'message', data: '', id: 'only' },
    ]);
  });

  it('ignores ids with NUL and retry times that are no numbers', () => {
    const r = reader();
    r.push('id: a\0b\nretry: 1500\nretry: 1.5\nretry: -1\nretry:\ndata: x\n\n');
    expect(r.seen).toEqual([{ event: 'message', data: 'x' }]);
    expect(r.retries).toEqual([1500]);
  });

  it('does not deliver an event the stream did not finish', () => {
    expect(events('data: a\n\ndata: b\n')).toHaveLength(1);
  });

  it('refuses an event over the limit, however it is cut', () => {
    const tooLarge = (push: () => void) => {
      try {
        push();
      } catch (thrown) {
        return thrown instanceof GatewayError && thrown.code === 'UPSTREAM_TOO_LARGE';
      }
      return false;
    };
    for (const piece of ['x', 'data: x\n', 'data:\n', `data: ${'x'.repeat(50)}`, `: ${'x'.repeat(200)}`]) {
      const r = reader(100);
      expect(tooLarge(() => Array.from({ length: 200 }, () => r.push(piece)))).toBe(true);
      r.push('\n\ndata: ok\n\n');
      expect(r.seen).toEqual([]);
    }
    const r = reader(100);
    for (let i = 0; i < 100; i++) r.push(`: keep-alive\n\ndata: ${'x'.repeat(50)}\n\n`);
    expect(r.seen).toHaveLength(100);
  });

  it('reads an event of a megabyte in small pieces', () => {
    const data = JSON.stringify({ text: 'é'.repeat(500_000) });
    const stream = Buffer.from(`data: ${data}\n\n`);
    const r = reader(2_000_000);
    for (let at = 0; at < stream.length; at += 1001) r.push(stream.subarray(at, at + 1001));
    expect(r.seen).toEqual([{ event: 'message', data }]);
  });

  it('does not depend on where chunks are cut', () => {
    const piece = fc.constantFrom(
      'data',
      'data: ',
      'id: ',
      'event: ',
      'retry: 1',
      ':',
      ' ',
      '\n',
      '\n\n',
      '\r',
      '\r\n',
      'é',
      '\ufeff',
      '{"a":1}',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(200), { maxLength: 10 }), (pieces, cuts) => {
        const stream = Buffer.from(pieces.join(''));
        const r = reader();
        let from = 0;
        for (const cut of [...cuts.map((c) => c % (stream.length + 1)).sort((a, b) => a - b), stream.length]) {
          r.push(stream.subarray(from, cut));
          from = cut;
        }
        expect(r.seen).toEqual(events(stream));
        const bytewise = reader();
        for (const byte of stream) bytewise.push(Buffer.from([byte]));
        expect(bytewise.seen).toEqual(r.seen);
        expect(bytewise.retries).toEqual(r.retries);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('writing server-sent events', () => {
  it('is read back as it was written, pretty JSON on one line', () => {
    const json = JSON.stringify({ text: 'a\nb', n: [1, 2] }, null, 2).replaceAll('\n', '\r\n');
    for (const data of [json, Buffer.from(json)]) {
      const frame = sseFrame(data, 'evt-1');
      const [event] = events(frame);
      expect(event).toMatchObject({ event: 'message', id: 'evt-1' });
      expect(JSON.parse(event?.data ?? '')).toEqual(JSON.parse(json));
      expect(frame.toString().split('\n')).toHaveLength(5);
    }
    expect(events(sseFrame(Buffer.from('{"é":1}')))).toEqual([{ event: 'message', data: '{"é":1}' }]);
  });

  it('writes an event that carries only an id', () => {
    expect(events(sseFrame('', 'evt-0'))).toEqual([{ event: 'message', data: '', id: 'evt-0' }]);
  });

  it('cannot be tricked into more than one event', () => {
    expect(events(sseFrame('{"a":\n\n1}', 'x\n\ndata: evil\n\n\0'))).toEqual([
      { event: 'message', data: '{"a":  1}', id: 'xdata: evil' },
    ]);
  });

  it('keeps the connection alive without an event', () => {
    expect(events(SSE_KEEP_ALIVE)).toEqual([]);
  });

  it('returns JSON that is one line already as it is', () => {
    const json = Buffer.from('{"a":"\\n"}');
    expect(oneLine(json)).toBe(json);
    expect(oneLine(Buffer.from('{\n}')).toString()).toBe('{ }');
  });
});
