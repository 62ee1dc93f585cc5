import { describe, expect, it } from 'vitest';
import { TestClient } from '../testing/client.js';
import { result } from '../testing/fake-proxy.js';
import { Gate } from '../testing/gate.js';
import type { TestGateway } from '../testing/gateway.js';
import { gateways } from '../testing/gateways.js';
import type { EventReader } from '../testing/http.js';
import { ModernClient } from '../testing/modern-client.js';
import { TokenUsers } from '../testing/token-users.js';
import { VirtualClock } from '../testing/virtual-clock.js';

const MINUTE = 60_000;
const start = gateways();

async function guarded() {
  const [users, clock] = [new TokenUsers(), new VirtualClock()];
  const gateway = await start({}, { providers: [users], clock });
  return { users, clock, gateway };
}

/** What a token opens that never ends by itself, in both eras. */
async function streams(gateway: TestGateway, headers: { authorization: string }): Promise<[EventReader, EventReader]> {
  const legacy = await (await TestClient.open(gateway.url, { headers })).listen();
  const modern = await new ModernClient(gateway.url, { headers }).stream('subscriptions/listen', {
    notifications: { toolsListChanged: true },
  });
  expect((await modern.next()).method).toBe('notifications/subscriptions/acknowledged');
  return [legacy, modern];
}

const change = { method: 'notifications/tools/list_changed' };

function announce(gateway: TestGateway): void {
  for (const channel of gateway.proxy.subscribers.values()) channel.deliver(change);
  for (const listener of gateway.proxy.listeners) listener.deliver(change);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

describe('streams of a token that ends', () => {
  it.each([
    ['a minute', MINUTE, 0.1 * MINUTE],
    ['an hour', 60 * MINUTE, MINUTE],
  ])('in %s close within the last tenth of it, at most a minute early', async (_what, life, early) => {
    const { users, clock, gateway } = await guarded();
    const headers = users.give('t', 'ann', { expiresAt: clock.now() + life });
    const [legacy, modern] = await streams(gateway, headers);
    clock.advance(life - early - 1);
    await settled();
    expect(gateway.stats.streams).toBe(2);
    clock.advance(early + 1);
    expect(gateway.stats.streams).toBe(0);
    expect(await legacy.rest()).toEqual([]);
    expect(legacy.response.complete).toBe(true);
    // The modern one is told that nothing more will come.
    expect(await modern.rest()).toEqual([expect.objectContaining({ result: expect.anything() })]);
    expect(clock.pending).toBe(0);
    expect(gateway.proxy.subscribers.size + gateway.proxy.listeners.size).toBe(0);
  });

  it('do not all close at the same moment', async () => {
    const { users, clock, gateway } = await guarded();
    const headers = users.give('t', 'ann', { expiresAt: clock.now() + 100 * MINUTE });
    for (let count = 0; count < 5; count++) await streams(gateway, headers);
    clock.advance(99 * MINUTE);
    const open = new Set<number>();
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      open.add(gateway.stats.streams);
    }
    expect(gateway.stats.streams).toBe(0);
    expect(open.size).toBeGreaterThan(3);
  });

  it('deliver nothing once it has ended, however late the clock notices', async () => {
    const { users, clock, gateway } = await guarded();
    const headers = users.give('t', 'ann', { expiresAt: clock.now() + MINUTE });
    const [legacy, modern] = await streams(gateway, headers);
    clock.now = () => 1_700_000_000_000 + MINUTE;
    announce(gateway);
    expect(await legacy.rest()).toEqual([]);
    expect((await modern.rest()).map(({ method }) => method)).toEqual([undefined]);
    expect(gateway.stats.streams).toBe(0);
  });

  it('leave running calls alone', async () => {
    const { users, clock, gateway } = await guarded();
    const headers = users.give('t', 'ann', { expiresAt: clock.now() + MINUTE });
    const gate = new Gate<ReturnType<typeof result>>();
    gateway.proxy.handlers.set('tools/call', () => gate.opened);
    const client = await TestClient.open(gateway.url, { headers });
    const calls = [client.request('tools/call', { name: 't' }), new ModernClient(gateway.url, { headers }).tool()];
    await expect.poll(() => gateway.stats.running).toBe(2);
    clock.advance(2 * MINUTE);
    users.tokens.clear();
    gate.open(result({ done: true }));
    for (const call of calls) expect((await call).json.result).toMatchObject({ done: true });
  });
});

describe('streams of a caller', () => {
  it('T043: who would not be let in any more close within a minute', async () => {
    const { users, clock, gateway } = await guarded();
    const [ann, bob] = [users.give('a', 'ann'), users.give('b', 'bob')];
    const gone = await streams(gateway, ann);
    const kept = await streams(gateway, bob);
    users.tokens.delete('a');
    clock.advance(MINUTE);
    await expect.poll(() => gateway.stats.streams).toBe(2);
    for (const stream of gone) await stream.rest();
    announce(gateway);
    for (const stream of kept) expect((await stream.next()).method).toBe(change.method);
  });

  it('who cannot be judged at the moment stay, until the token ends', async () => {
    const { users, clock, gateway } = await guarded();
    await streams(gateway, users.give('a', 'ann', { expiresAt: clock.now() + 10 * MINUTE }));
    users.unknown.add('a');
    clock.advance(5 * MINUTE);
    await settled();
    expect(gateway.stats.streams).toBe(2);
    clock.advance(5 * MINUTE);
    expect(gateway.stats.streams).toBe(0);
  });

  it('whose token now speaks for somebody else close', async () => {
    const { users, clock, gateway } = await guarded();
    await streams(gateway, users.give('a', 'ann'));
    users.give('a', 'bob');
    clock.advance(MINUTE);
    await expect.poll(() => gateway.stats.streams).toBe(0);
  });

  it('whose token got another end follow it', async () => {
    const { users, clock, gateway } = await guarded();
    await streams(gateway, users.give('a', 'ann'));
    users.give('a', 'ann', { expiresAt: clock.now() + 3 * MINUTE });
    clock.advance(MINUTE);
    await settled();
    expect(gateway.stats.streams).toBe(2);
    clock.advance(2 * MINUTE);
    expect(gateway.stats.streams).toBe(0);
  });

  it('close at once when a configuration takes their issuer or key away, and only theirs', async () => {
    const { users, gateway } = await guarded();
    const ann = users.give('a', 'ann');
    const bob = users.give('b', 'bob', {}, 'https://other.example');
    await streams(gateway, ann);
    await streams(gateway, bob);
    users.tokens.delete('b');
    const { current } = gateway.oauth;
    gateway.oauth.replace(Object.assign(Object.create(Object.getPrototypeOf(current)), current));
    await expect.poll(() => gateway.stats.streams).toBe(2);
    users.tokens.delete('a');
    gateway.apiKeys.replace([]);
    await expect.poll(() => gateway.stats.streams).toBe(0);
  });
});
