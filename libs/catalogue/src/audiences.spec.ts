import { describe, expect, it } from 'vitest';
import type { Listing } from '#libs/mcp';
import { CatalogueService } from './catalogue.service.js';
import { listing, names, request, settings, TestDecide, tool } from './testing/listings.js';

const NONE = { prompts: [], resources: [], templates: [] };

function published(...listings: Listing[]): CatalogueService {
  const service = new CatalogueService(new TestDecide());
  service.configure(settings('a'));
  for (const each of listings) service.publish(each);
  return service;
}

const everybody = listing('a', { tools: [tool('plain'), tool('asks'), tool('fallback')] });
const divided: Listing = {
  ...everybody,
  audiences: {
    probed: ['', 'e'],
    only: {
      ...NONE,
      tools: [
        ['asks', ['e']],
        ['fallback', ['']],
      ],
    },
  },
};

describe('upstreams whose lists depend on what the client declared', () => {
  it('shows each capability set what the upstream offers it, in list and call alike', () => {
    const service = published(divided);
    const withElicitation = service.view({ ...request(), capabilities: 'e' });
    const without = service.view(request());
    expect(names(withElicitation, 'tools')).toEqual(['a:plain', 'a:asks']);
    expect(names(without, 'tools')).toEqual(['a:plain', 'a:fallback']);
    expect(withElicitation.tool('a:fallback')).toBeUndefined();
    expect(without.tool('a:asks')).toBeUndefined();
    expect(without.fingerprint('tools')).not.toBe(withElicitation.fingerprint('tools'));
  });

  it('shows a set that was never asked for what a client without capabilities sees', () => {
    const view = published(divided).view({ ...request(), capabilities: 's' });
    expect(names(view, 'tools')).toEqual(['a:plain', 'a:fallback']);
  });

  it('shares one view between sets that see the same', () => {
    const service = published(divided);
    expect(service.view({ ...request(), capabilities: 's' }).key).toBe(service.view(request()).key);
  });

  it('announces a change of audience although no item changed', () => {
    const service = published(everybody);
    const kinds: string[][] = [];
    service.changes.on('changed', (change) => kinds.push([...change.kinds]));
    service.publish(divided);
    service.publish(divided);
    expect(kinds).toEqual([['tools']]);
  });
});
