import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerTo } from './answer.js';
import type { Call } from './call.js';
import { RollingLedger } from './rolling-ledger.js';

const MINUTE = 60_000;
let directory: string;
let file: string;
let book: RollingLedger;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ledger-'));
  file = join(directory, 'ran');
  book = new RollingLedger(file);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ran = (...nonces: string[]) => appendFileSync(file, nonces.map((nonce) => `${nonce}\n`).join(''));

/** Answered at the time 0. */
function answered(nonce: string, text = answerTo(nonce, 10), upstream = 'one'): Call {
  const outcome = { kind: 'answer', text } as const;
  return { nonce, upstream, tool: 'work', ms: 0, size: 10, client: 'c', sentAt: 0, settledAt: 0, outcome };
}

describe('a book that is judged while it is written', () => {
  it('counts what is right, over all upstreams and for each, however often it is turned', () => {
    for (let n = 0; n < 5; n++) {
      ran(`a${n}`, `b${n}`);
      book.add(answered(`a${n}`));
      book.add(answered(`b${n}`, undefined, 'two'));
      book.turn(MINUTE);
    }
    book.close();
    expect(book.tally).toMatchObject({ sent: 10, right: 10, wrong: 0, lost: 0, faults: [] });
    expect(book.tallies.get('two')).toMatchObject({ sent: 5, right: 5 });
  });

  it('judges no call so soon that its run could still be on the way', () => {
    const said = 'the upstream is down';
    book.add({ ...answered('a'), outcome: { kind: 'error', code: 'UPSTREAM_UNREACHABLE', said } });
    book.turn(1_000);
    expect(book.tally.sent).toBe(0);
    ran('a');
    book.turn(MINUTE);
    expect(book.tally).toMatchObject({ sent: 1, wrong: 1 });
    expect(book.tally.faults).toEqual([expect.stringContaining('it ran, but')]);
  });

  it('finds answers of others, and what ran twice', () => {
    ran('a', 'b', 'b');
    book.add(answered('a', answerTo('b', 10)));
    book.add(answered('b'));
    book.close();
    expect(book.tally.faults).toEqual([
      expect.stringContaining('a (one:work): not its own answer'),
      expect.stringContaining('b (one:work): ran 2 times'),
    ]);
  });

  it('finds what ran again long after it was judged, and what nobody asked for', () => {
    ran('a');
    book.add(answered('a'));
    book.turn(MINUTE);
    ran('a', 'stranger');
    book.close();
    expect(book.tally).toMatchObject({ right: 1, wrong: 2 });
    expect(book.tally.faults).toEqual(['a: ran, but nobody asked for it', 'stranger: ran, but nobody asked for it']);
  });

  it('keeps the time of the slowest answer or error, whenever it was; nobody answered who was given up', () => {
    ran('a', 'b');
    book.add({ ...answered('a'), settledAt: 17_000 });
    book.add({ ...answered('b', undefined, 'two'), settledAt: 300 });
    book.turn(MINUTE);
    book.add({ ...answered('c'), settledAt: 60_000, outcome: { kind: 'silence' } });
    book.add({ ...answered('d'), settledAt: 60_000, outcome: { kind: 'abandoned' } });
    book.close();
    expect(book.tally.slowest).toBe(17_000);
    expect(book.tallies.get('two')?.slowest).toBe(300);
  });

  it('waits for the rest of a line that is being written', () => {
    appendFileSync(file, 'half');
    book.add(answered('half-a-line'));
    book.turn(1);
    appendFileSync(file, '-a-line\n');
    book.close();
    expect(book.tally).toMatchObject({ right: 1, wrong: 0 });
  });
});
