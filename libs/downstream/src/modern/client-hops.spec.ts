import { describe, expect, it } from 'vitest';
import { JsonView } from '#libs/mcp';
import { ClientHops } from './client-hops.js';

const VERSION = '2026-07-28';
const view = (json: string) => JsonView.of(Buffer.from(json));

function reader() {
  const hops = new ClientHops();
  return (info: string | undefined, capabilities: string, version = VERSION) =>
    hops.read(version, info === undefined ? undefined : view(info), view(capabilities));
}

describe('what clients say of themselves', () => {
  it('is the same object where it is the same in every byte', () => {
    const read = reader();
    const first = read('{"name":"a","version":"1"}', '{"sampling":{}}');
    expect(first).toEqual({
      era: 'modern',
      version: VERSION,
      name: 'a',
      clientVersion: '1',
      capabilities: { sampling: {} },
    });
    expect(read('{"name":"a","version":"1"}', '{"sampling":{}}')).toBe(first);
  });

  it('is told apart by anything that differs', () => {
    const read = reader();
    const said: [string | undefined, string, string?][] = [
      ['{"name":"a"}', '{}'],
      ['{"name":"b"}', '{}'],
      ['{"name":"a"}', '{"a":{}}'],
      ['{"name":"a"}', '{"b":{}}'],
      ['{"name":"a"}', '{}', '2027-01-01'],
      [undefined, '{}'],
      ['{}', '{}'],
    ];
    const first = said.map((one) => read(...one));
    expect(new Set(first).size).toBe(said.length);
    expect(said.map((one) => read(...one))).toEqual(first);
    expect(first.map(({ name, version, capabilities }) => [name, version, capabilities])).toEqual([
      ['a', VERSION, {}],
      ['b', VERSION, {}],
      ['a', VERSION, { a: {} }],
      ['a', VERSION, { b: {} }],
      ['a', '2027-01-01', {}],
      ['', VERSION, {}],
      ['', VERSION, {}],
    ]);
  });

  it('is right however many there are, and however long they are', () => {
    const read = reader();
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 1_000; index++) {
        expect(read(`{"name":"${1_000 + index}"}`, '{}').name).toBe(String(1_000 + index));
      }
      for (const letter of ['x', 'y']) {
        const name = letter.repeat(5_000);
        expect(read(`{"name":"${name}"}`, `{"${name}":{}}`)).toMatchObject({ name, capabilities: { [name]: {} } });
      }
    }
  });

  it('outlives the message it was read from', () => {
    const hops = new ClientHops();
    const bytes = Buffer.from('{"name":"a"}{"sampling":{}}');
    const info = () => new JsonView(bytes, 0, 12);
    const capabilities = () => new JsonView(bytes, 12, bytes.length);
    const first = hops.read(VERSION, info(), capabilities());
    bytes.write('{"name":"b"}');
    expect(hops.read(VERSION, info(), capabilities()).name).toBe('b');
    expect(hops.read(VERSION, view('{"name":"a"}'), view('{"sampling":{}}'))).toBe(first);
  });
});
