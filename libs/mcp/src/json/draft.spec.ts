import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOne } from '../bytes.js';
import { Draft } from './draft.js';
import { JsonView } from './view.js';

const draft = (json: string) => Draft.of(Buffer.from(json));
const written = (made: Draft) => made.bytes.toString();

describe('a draft', () => {
  it('that nobody changes is the very bytes it came as', () => {
    const bytes = Buffer.from('{"a":1}');
    expect(Draft.of(bytes).bytes).toBe(bytes);
  });

  it('keeps every byte that nobody changes', () => {
    const made = draft('{ "n" : "x", "big":12345678901234567890, "_meta":{ "a" : 1.0 } }').with({
      set: { n: '"y"' },
      meta: { set: { t: '7' } },
    });
    expect(written(made)).toBe('{ "n" : "y", "big":12345678901234567890, "_meta":{ "a" : 1.0,"t":7 } }');
  });

  it('gets a _meta where it has none, and one that is an object instead of anything else', () => {
    const meta = { set: { t: '7', u: '"x"' } };
    expect(written(draft('{}').with({ meta }))).toBe('{"_meta":{"t":7,"u":"x"}}');
    expect(written(draft('{"a":1}').with({ meta }))).toBe('{"a":1,"_meta":{"t":7,"u":"x"}}');
    expect(written(draft('{"_meta":3,"a":1}').with({ meta }))).toBe('{"_meta":{"t":7,"u":"x"},"a":1}');
  });

  it('takes changes of several hands, later ones over earlier ones', () => {
    const made = draft('{"n":"x","s":1,"r":2,"_meta":{"t":1,"k":2}}')
      .with({ set: { n: '"y"' }, remove: ['s'], meta: { remove: ['t'] } })
      .with({ set: { r: '3' }, meta: { set: { t: '9' } } })
      .with({ remove: ['n'] });
    expect(JSON.parse(written(made))).toEqual({ r: 3, _meta: { t: 9, k: 2 } });
  });

  it('does not change when something is made of it', () => {
    const first = draft('{"n":"x"}').with({ set: { n: '"y"' } });
    first.with({ set: { n: '"z"' }, meta: { set: { t: '1' } } });
    expect(written(first)).toBe('{"n":"y"}');
  });

  it('changes what is inside of members along with the members', () => {
    const bytes = Buffer.from('{"name":"a","arguments":{"uri":"x+u:1"},"task":1}');
    const view = JsonView.of(bytes);
    const { start, end } = view.at('arguments', 'uri') as JsonView;
    const made = new Draft(view, { set: { name: '"b"' }, remove: ['task'], inside: [{ start, end, text: '"u:1"' }] });
    expect(written(made)).toBe('{"name":"b","arguments":{"uri":"u:1"}}');
  });

  it('tells strings as they will be', () => {
    const made = draft('{"a":"\\u0061","b":"b","c":"c","d":1}').with({ set: { b: '"B\\n"' }, remove: ['c'] });
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => made.string(key))).toEqual([
      'a',
      'B\n',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is written between two texts as it is by itself, however large, and shares what stays', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(10, 1_000, 20_000, 70_000, 200_000),
        fc.constantFrom(10, 70_000),
        fc.boolean(),
        (size, other, withMeta) => {
          const meta = withMeta ? { _meta: { é: 'x' } } : {};
          const json = JSON.stringify({ a: 'x'.repeat(other), name: 'é', text: 'y'.repeat(size), task: 1, ...meta });
          const made = draft(json).with({ set: { name: '"ü"' }, remove: ['task'], meta: { set: { t: '1' } } });
          const whole = Buffer.concat([Buffer.from('<é'), made.bytes, Buffer.from('>')]);
          const message = made.between('<é', '>');
          expect(inOne(message).equals(whole)).toBe(true);
          const copied = Buffer.isBuffer(message)
            ? message.length
            : message.filter((piece) => piece.length < 16_384).reduce((sum, piece) => sum + piece.length, 0);
          expect(copied).toBeLessThan(64 * 1024 + 16_384);
        },
      ),
    );
  });
});
