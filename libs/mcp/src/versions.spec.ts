import { describe, expect, it } from 'vitest';
import { logLevelRank } from './meta.js';
import { atLeast, isLegacyVersion, negotiate } from './versions.js';

describe('protocol versions', () => {
  it('takes what it knows and offers the newest otherwise', () => {
    expect(negotiate('2024-11-05')).toBe('2024-11-05');
    for (const version of ['2026-07-28', '1.0', '', undefined, null, {}]) expect(negotiate(version)).toBe('2025-11-25');
    expect(isLegacyVersion('2025-06-18')).toBe(true);
    expect(isLegacyVersion('2025-06-19')).toBe(false);
  });

  it('orders revisions', () => {
    expect(atLeast('2025-06-18', '2025-06-18')).toBe(true);
    expect(atLeast('2025-03-26', '2025-06-18')).toBe(false);
    expect(atLeast('2026-07-28', '2025-11-25')).toBe(true);
  });
});

describe('log levels', () => {
  it('ranks them by severity, unknown ones below all', () => {
    expect(logLevelRank('debug')).toBeLessThan(logLevelRank('emergency'));
    expect(logLevelRank('loud')).toBe(-1);
  });
});
