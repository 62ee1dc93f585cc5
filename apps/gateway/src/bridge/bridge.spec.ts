import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { GatewayLink } from './gateway-link.js';
import { linesOf } from './lines.js';
import { readMessage } from './message.js';
import { ModernHeaders } from './modern-headers.js';
import { StdioBridge } from './stdio-bridge.js';

async function lines(...chunks: (string | Buffer)[]): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(Readable.from(chunks))) found.push(line.toString('utf8'));
  return found;
}

describe('lines of a client', () => {
  it('come out whole, however the bytes arrive', async () => {
    const euro = Buffer.from('{"a":"€"}\n{"b":1}\n');
    const bytes = [...euro].map((byte) => Buffer.from([byte]));
    expect(await lines(euro)).toEqual(['{"a":"€"}', '{"b":1}']);
    expect(await lines(...bytes)).toEqual(['{"a":"€"}', '{"b":1}']);
  });

  it('are not there when empty, nor when the end is missing', async () => {
    expect(await lines('\n\r\n  \n{"a":1}\r\n{"half"')).toEqual(['{"a":1}\r']);
  });
});

describe('a message', () => {
  it('says what it is', () => {
    const read = (value: unknown) => readMessage(Buffer.from(JSON.stringify(value)));
    expect(read({ id: 1, method: 'ping' })).toMatchObject({ id: 1, method: 'ping', params: {} });
    expect(read({ id: 'a', result: {} })).not.toHaveProperty('method');
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    expect(read({ id: 1, method: 'tools/list', params: { _meta } })).toMatchObject({ modern: '2026-07-28' });
    expect(read([{ id: 1, method: 'a' }, { method: 'b' }, { id: 2, result: {} }])).toMatchObject({ batch: [1] });
    expect(read('text')).toBeUndefined();
    expect(readMessage(Buffer.from('{'))).toBeUndefined();
  });
});

describe('headers of a modern request', () => {
  const call = (args: object) =>
    readMessage(
      Buffer.from(
        JSON.stringify({
          id: 1,
          method: 'tools/call',
          params: {
            name: 'größe',
            arguments: args,
            _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' },
          },
        }),
      ),
    )!;

  it('repeat method and name, and the parameters that a list asked for', () => {
    const headers = new ModernHeaders();
    const plain = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': '=?base64?Z3LDtsOfZQ==?=',
    };
    expect(headers.of(call({ region: 'west' }))).toEqual(plain);
    const region = { type: 'string', 'x-mcp-header': 'Region' };
    const list = (properties: object) =>
      headers.learn(
        Buffer.from(
          JSON.stringify({
            id: 1,
            result: { tools: [{ name: 'größe', inputSchema: { type: 'object', properties } }] },
          }),
        ),
      );
    list({ region });
    const mirrored = headers.of(call({ region: 'west' }));
    expect(Object.entries(mirrored).map(([name, value]) => [name.toLowerCase(), value])).toEqual(
      Object.entries({ ...plain, 'mcp-param-region': 'west' }),
    );
    expect(headers.of(call({}))).toEqual(plain);
    list({});
    expect(headers.of(call({ region: 'west' }))).toEqual(plain);
  });
});

describe('a client that reads slowly', () => {
  it('is waited for once, however many answers wait', async () => {
    const held: (() => void)[] = [];
    let out = '';
    const output = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, done) {
        out += String(chunk);
        held.push(done);
      },
    });
    const input = new PassThrough();
    const link = new GatewayLink(new URL('http://127.0.0.1:9/mcp'), undefined);
    const bridge = new StdioBridge(link, { input, output, say: () => {} }).run();
    // Each line is answered without the gateway: it is no message.
    input.write('x\n'.repeat(20));
    await vi.waitFor(() => expect(output.writableLength).toBeGreaterThan(20 * 50));
    expect(output.listenerCount('drain')).toBe(1);
    while (output.writableLength > 0) {
      held.shift()?.();
      await new Promise(setImmediate);
    }
    input.end();
    await bridge;
    expect(out.trim().split('\n')).toHaveLength(20);
  });
});
