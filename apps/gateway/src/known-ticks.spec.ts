import { describe, expect, it } from 'vitest';
import { keepTicksKnown, kept } from './known-ticks.js';

describe('a tick that is kept', () => {
  it('is the record that Node itself makes of one', async () => {
    keepTicksKnown();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(kept).toMatchObject({ callback: expect.any(Function) });
    expect(Object.getOwnPropertySymbols(kept as object).map(({ description }) => description)).toContain(
      'async_id_symbol',
    );
  });
});
