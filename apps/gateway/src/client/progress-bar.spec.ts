import { describe, expect, it } from 'vitest';
import { ProgressBar } from './progress-bar.js';

function bar(errIsTty: boolean, columns = 80) {
  const written: string[] = [];
  return { written, bar: new ProgressBar({ err: (text) => void written.push(text), errIsTty, columns }) };
}

describe('ProgressBar', () => {
  it('writes lines where there is no terminal', () => {
    const { written, bar: lines } = bar(false);
    lines.show({ progress: 1, total: 2, message: 'half\u0007' });
    lines.show({ progress: 7 });
    lines.clear();
    expect(written.join('')).toBe('[1/2] half\n[7]\n');
  });

  it('redraws one line on a terminal and leaves nothing behind', () => {
    const { written, bar: drawn } = bar(true);
    drawn.show({ progress: 1, total: 4, message: 'reading' });
    expect(written).toEqual([`${'█'.repeat(6)}${'░'.repeat(18)}  25 %  reading`]);
    drawn.show({ progress: 9, total: 4 });
    expect(written.slice(1)).toEqual(['\r\u001b[2K', `${'█'.repeat(24)} 100 %`]);
    drawn.clear();
    drawn.clear();
    expect(written.slice(3)).toEqual(['\r\u001b[2K']);
  });

  it('keeps other lines above itself', () => {
    const { written, bar: drawn } = bar(true);
    drawn.above('before');
    drawn.show({ progress: 3 });
    drawn.above('[info] meanwhile');
    expect(written).toEqual(['before\n', '3', '\r\u001b[2K', '[info] meanwhile\n', '3']);
  });

  it('never takes more than one line of the terminal', () => {
    const { written, bar: drawn } = bar(true, 50);
    drawn.show({ progress: 1, total: 2, message: `${'long '.repeat(40)}\nsecond line` });
    expect(written[0]).toHaveLength(49);
    expect(written[0]).not.toContain('\n');
  });
});
