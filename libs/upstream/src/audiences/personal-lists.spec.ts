import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANONYMOUS, GatewayError, type Outcome, type Principal, principal, SILENT } from '#libs/kernel';
import type { Listing } from '#libs/mcp';
import { SessionGroup, Slot } from '../pool/slot.js';
import { NO_CAPABILITIES } from '../session/capabilities.js';
import type { UpstreamSession } from '../session/upstream-session.js';
import { PersonalLists } from './personal-lists.js';

const alice = principal('https://idp.example.com', 'alice');
const bob = principal('https://idp.example.com', 'bob');
let found: { owner: string; names: string[] }[];
let forgotten: string[];
let asked: number;
let fails: boolean;
let sharedAnonymous: boolean;
let lists: PersonalLists;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  [found, forgotten, asked, fails, sharedAnonymous] = [[], [], 0, false, false];
  lists = new PersonalLists({
    server: 'n8n',
    log: SILENT,
    timeout: 1_000,
    sharedAnonymous: () => sharedAnonymous,
    discovery: () => ({ interval: 60_000, items: 100, pages: 10, size: 1_000_000 }),
    found: (owner, listing) => found.push({ owner, names: namesOf(listing) }),
    forgotten: (owner) => forgotten.push(owner),
  });
});
afterEach(() => void vi.useRealTimers());

const namesOf = ({ items }: Listing) => items.tools.map((raw) => (JSON.parse(raw.toString()) as { name: string }).name);

/** A session of somebody that lists one tool of that name. */
function slotOf(who: Principal | undefined): Slot {
  const session = {
    era: 'legacy',
    version: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'n8n' },
    instructions: `for ${who?.subject}`,
    request: async (): Promise<Outcome> => {
      asked += 1;
      if (fails) throw new GatewayError('UPSTREAM_UNAUTHORIZED', 'no');
      const tools = [{ name: `of_${who?.subject}`, inputSchema: { type: 'object' } }];
      return { kind: 'result', result: Buffer.from(JSON.stringify({ tools })) };
    },
  } as unknown as UpstreamSession;
  const personal = who && { principal: who, headers: {} };
  const spec = {
    key: 'k',
    capabilities: NO_CAPABILITIES,
    personal,
    shared: false,
    client: undefined,
    ephemeral: false,
  };
  return new Slot(new SessionGroup(spec), session);
}

describe('lists of one caller alone', () => {
  it('are fetched with that caller’s first session, once however many wait', async () => {
    const slot = slotOf(alice);
    expect([lists.knows(alice), lists.has(alice)]).toEqual([false, false]);
    await Promise.all([lists.opened(slot), lists.opened(slot), lists.opened(slot)]);
    await lists.opened(slotOf(bob));
    expect(found).toEqual([
      { owner: alice.key, names: ['of_alice'] },
      { owner: bob.key, names: ['of_bob'] },
    ]);
    expect([lists.knows(alice), lists.has(alice), lists.has(bob)]).toEqual([true, true, true]);
  });

  it('are fetched again when their time is over, or the upstream says that they changed', async () => {
    const slot = slotOf(alice);
    await lists.opened(slot);
    await lists.opened(slot);
    expect(asked).toBe(1);
    lists.changed(slot);
    await vi.waitFor(() => expect(found).toHaveLength(2));
    vi.advanceTimersByTime(60_001);
    expect([lists.knows(alice), lists.has(alice)]).toEqual([false, true]);
    await lists.opened(slot);
    expect(asked).toBe(3);
  });

  it('that cannot be fetched are left alone for a moment', async () => {
    fails = true;
    const slot = slotOf(alice);
    await lists.opened(slot);
    await lists.opened(slot);
    expect([asked, lists.has(alice), lists.knows(alice)]).toEqual([1, false, true]);
    fails = false;
    vi.advanceTimersByTime(5_001);
    await lists.opened(slot);
    expect(found).toHaveLength(1);
  });

  it('are not kept for strangers without a name, who are not one person', async () => {
    await lists.opened(slotOf(ANONYMOUS));
    expect([asked, lists.knows(ANONYMOUS), lists.has(ANONYMOUS)]).toEqual([0, true, false]);
    sharedAnonymous = true;
    await lists.opened(slotOf(ANONYMOUS));
    expect(lists.has(ANONYMOUS)).toBe(true);
    await lists.opened(slotOf(undefined));
    expect(asked).toBe(1);
  });

  it('tell everybody what kind of server it is, and nothing that was somebody’s own', async () => {
    expect(lists.outline).toBeUndefined();
    await lists.opened(slotOf(alice));
    expect(lists.outline).toMatchObject({ version: '2025-11-25', capabilities: { tools: {} } });
    expect(JSON.stringify(lists.outline)).not.toContain('alice');
  });

  it('are kept for a bounded number of callers', async () => {
    for (let n = 0; n < 1_001; n++) await lists.opened(slotOf(principal('https://idp.example.com', `user-${n}`)));
    expect(forgotten).toEqual([principal('https://idp.example.com', 'user-0').key]);
  });
});
