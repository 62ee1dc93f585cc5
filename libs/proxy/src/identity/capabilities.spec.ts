import { describe, expect, it } from 'vitest';
import type { Listing } from '#libs/mcp';
import { mergeCapabilities } from './capabilities.js';
import { mergeInstructions } from './instructions.js';

function listing(server: string, capabilities: Record<string, unknown>, instructions?: string): Listing {
  return {
    server,
    era: 'legacy',
    version: '2025-11-25',
    capabilities,
    serverInfo: {},
    ...(instructions !== undefined && { instructions }),
    items: { tools: [], prompts: [], resources: [], templates: [] },
    failed: {},
  };
}

describe('mergeCapabilities', () => {
  it('repeats exactly what one upstream declared', () => {
    const merged = mergeCapabilities(
      { kind: 'server', server: 'a' },
      [listing('a', { prompts: {}, logging: {} })],
      false,
    );
    expect(merged).toEqual({ prompts: { listChanged: true }, logging: {} });
  });

  it('is the union behind an aggregate', () => {
    const listings = [listing('a', { tools: {} }), listing('b', { resources: { subscribe: true }, completions: {} })];
    const merged = mergeCapabilities({ kind: 'aggregate' }, listings, false);
    expect(merged).toEqual({
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
    });
  });

  it('promises everything while one upstream was never heard of, since it may join later', () => {
    const merged = mergeCapabilities({ kind: 'aggregate' }, [listing('a', { tools: {} })], true);
    expect(Object.keys(merged).sort()).toEqual(['completions', 'logging', 'prompts', 'resources', 'tools']);
  });
});

describe('mergeInstructions', () => {
  const spelling = { separator: ':', maxLength: 128 };

  it('leaves the text of a single upstream alone', () => {
    const text = mergeInstructions({ kind: 'server', server: 'a' }, spelling, [listing('a', {}, '  as is ')]);
    expect(text).toBe('  as is ');
  });

  it('puts each text under its server and says the naming once', () => {
    const text = mergeInstructions({ kind: 'aggregate' }, spelling, [
      listing('a', {}, 'Use a.'),
      listing('b', {}),
      listing('c', {}, 'Use c.'),
    ]);
    expect(text).toContain('<server>:<name>');
    expect(text).toContain('## a\n\nUse a.');
    expect(text).toContain('## c\n\nUse c.');
    expect(text).not.toContain('## b');
  });

  it('is absent when nobody has any', () => {
    expect(mergeInstructions({ kind: 'aggregate' }, spelling, [listing('a', {})])).toBeUndefined();
  });

  it('is cut at a bound', () => {
    const text = mergeInstructions({ kind: 'aggregate' }, spelling, [listing('a', {}, 'x'.repeat(20_000))]);
    expect(text?.length).toBeLessThan(9_000);
    expect(text).toMatch(/\[cut\]$/);
  });
});
