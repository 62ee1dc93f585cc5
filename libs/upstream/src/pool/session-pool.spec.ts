import { describe, expect, it } from 'vitest';
import { GatewayError, SILENT } from '#libs/kernel';
import { relayedCapabilities } from '../session/capabilities.js';
import { LegacySession } from '../session/legacy-session.js';
import { exchangeOf } from '../testing/callers.js';
import { ScriptedConnection } from '../testing/scripted-connection.js';
import { SessionPool } from './session-pool.js';
import { SERVICE, type SessionSpec } from './session-spec.js';
import type { Slot } from './slot.js';

const ENDED = new GatewayError('SHUTTING_DOWN', 'over');
const ASKING = relayedCapabilities({ elicitation: {} });

function specOf(key: string, rest: Partial<SessionSpec> = {}): SessionSpec {
  return { ...SERVICE, key, shared: false, ...rest };
}

function poolOf(
  options: {
    limit?: number;
    idle?: number;
    attribution?: 'request' | 'connection';
    fail?: (opened: number) => unknown;
  } = {},
) {
  const connections: ScriptedConnection[] = [];
  const lost: Slot[] = [];
  let attempts = 0;
  let closed = 0;
  let hold: Promise<void> | undefined;
  const pool = new SessionPool({
    server: 'lab',
    limit: options.limit ?? 2,
    idle: options.idle ?? 60_000,
    events: {
      opened() {},
      lost: (slot) => lost.push(slot),
      listChanged() {},
      resourceUpdated() {},
      logged() {},
      asked: () => undefined,
      elicitationCompleted() {},
      limited() {},
    },
    open: async (spec, listener, signal) => {
      attempts++;
      const failure = options.fail?.(attempts);
      if (failure) throw failure;
      const connection = new ScriptedConnection(options.attribution ?? 'connection');
      connections.push(connection);
      const close = connection.close.bind(connection);
      connection.close = () => {
        closed++;
        return close();
      };
      return await LegacySession.open({
        server: 'lab',
        gatewayVersion: '0',
        capabilities: spec.capabilities,
        shared: false,
        startTimeout: 1_000,
        listener,
        log: SILENT,
        connect: async (connectionListener) => {
          await hold;
          return connection.attach(connectionListener);
        },
        signal,
      });
    },
  });
  return {
    pool,
    connections,
    lost,
    attempts: () => attempts,
    closed: () => closed,
    hold: () => {
      let release!: () => void;
      hold = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
  };
}

const solo = specOf('solo', { capabilities: ASKING });
const limits = { timeout: 5_000 };

describe('the session pool', () => {
  it('opens once per key however many ask at once', async () => {
    const { pool, attempts } = poolOf();
    const slots = await Promise.all([1, 2, 3].map(() => pool.wait(specOf('a'), true, limits)));
    expect(new Set(slots).size).toBe(1);
    expect(attempts()).toBe(1);
    expect(pool.take(specOf('a'), true)).toBe(slots[0]);
    await pool.close(ENDED);
  });

  it('lets all who wait share the failure, and tries anew for the next', async () => {
    const { pool, attempts } = poolOf({
      fail: (n) => (n === 1 ? new GatewayError('UPSTREAM_UNREACHABLE', 'no') : undefined),
    });
    const all = await Promise.allSettled([1, 2, 3].map(() => pool.wait(specOf('a'), false, limits)));
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(attempts()).toBe(1);
    expect([...pool.groups()]).toEqual([]);
    await pool.wait(specOf('a'), false, limits);
    await pool.close(ENDED);
  });

  it('gives calls that may be asked a session each, then queues them in order', async () => {
    const { pool, connections } = poolOf({ limit: 2 });
    const a = await pool.wait(solo, true, limits);
    const b = await pool.wait(solo, true, limits);
    expect(b).not.toBe(a);
    const order: string[] = [];
    const third = pool.wait(solo, true, limits).then((slot) => {
      order.push('third');
      return slot;
    });
    const fourth = pool.wait(solo, true, limits).then((slot) => {
      order.push('fourth');
      return slot;
    });
    // Reads are never asked anything: they run beside.
    expect(pool.take(solo, false)).toBe(a);
    pool.release(a, false);
    pool.release(a, true);
    expect(await third).toBe(a);
    pool.release(b, true);
    expect(await fourth).toBe(b);
    expect(order).toEqual(['third', 'fourth']);
    expect(connections).toHaveLength(2);
    await pool.close(ENDED);
  });

  it('does not keep calls apart where every request has its own stream', async () => {
    const { pool } = poolOf({ attribution: 'request' });
    const a = await pool.wait(solo, true, limits);
    expect(pool.take(solo, true)).toBe(a);
    await pool.close(ENDED);
  });

  it('does not let a burst of reads open more than one session', async () => {
    const { pool, attempts } = poolOf({ limit: 10 });
    await Promise.all([1, 2, 3, 4].map(() => pool.wait(solo, false, limits)));
    expect(attempts()).toBe(1);
    await pool.close(ENDED);
  });

  it('takes an idle session from another key at the limit, never one in use or subscribed', async () => {
    const { pool, closed } = poolOf({ limit: 2 });
    const [busy, watching] = [
      await pool.wait(specOf('busy'), false, limits),
      await pool.wait(specOf('watching'), false, limits),
    ];
    watching.subscribed.set('a://b', true);
    pool.release(watching, false);
    const waiting = pool.wait(specOf('new'), false, limits);
    expect(closed()).toBe(0);
    watching.subscribed.clear();
    pool.release(busy, false);
    expect((await waiting).group.spec.key).toBe('new');
    expect(closed()).toBe(1);
    await pool.close(ENDED);
  });

  it('never takes the reason to give a session up for the fate of the calls that run on it', async () => {
    const { pool } = poolOf();
    const slot = await pool.wait(specOf('a'), true, limits);
    const call = slot.session.request({ method: 'tools/call', subject: 'the tool t', timeout: 5_000, maxTotal: 5_000 });
    pool.discard(slot, new GatewayError('UPSTREAM_UNREACHABLE', 'lab refused a ping', { notExecuted: true }));
    const told = await call.catch((error: GatewayError) => error);
    expect(told).toMatchObject({ code: 'UPSTREAM_DISCONNECTED', message: 'lab refused a ping', notExecuted: false });
    await pool.close(ENDED);
  });

  it('counts a session until nothing of it is left: children that are slow to end do not pile up', async () => {
    const { pool, connections, attempts } = poolOf({ limit: 1 });
    pool.release(await pool.wait(specOf('old'), false, limits), false);
    let resolve!: () => void;
    const gone = new Promise<void>((ended) => {
      resolve = ended;
    });
    connections[0]!.close = () => gone;
    const waiting = pool.wait(specOf('new'), false, limits);
    await new Promise((turn) => setImmediate(turn));
    expect(attempts()).toBe(1);
    resolve();
    expect((await waiting).group.spec.key).toBe('new');
    await pool.close(ENDED);
  });

  it('does not count the service session', async () => {
    const { pool } = poolOf({ limit: 1 });
    await pool.wait(SERVICE, false, limits);
    await pool.wait(specOf('a'), false, limits);
    await pool.close(ENDED);
  });

  it('bounds the queue, and each wait by time and abort', async () => {
    const { pool } = poolOf({ limit: 1 });
    await pool.wait(solo, true, limits);
    const timedOut = pool.wait(solo, true, { timeout: 20 });
    await expect(timedOut).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      notExecuted: true,
      message: expect.stringMatching(/connection\.timeout.*connection\.pool/),
    });
    const exchange = exchangeOf();
    const aborted = pool.wait(solo, true, { ...limits, exchange });
    exchange.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(pool.wait(solo, true, { ...limits, exchange })).rejects.toMatchObject({ code: 'CANCELLED' });
    const queue = Array.from({ length: 1_000 }, () => pool.wait(solo, true, limits));
    await expect(pool.wait(solo, true, limits)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY' });
    await pool.close(ENDED);
    expect((await Promise.allSettled(queue)).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('closes what is idle, not what is used, subscribed, or the service session', async () => {
    const { pool, connections } = poolOf({ limit: 10, idle: 20 });
    await pool.wait(specOf('used'), false, limits);
    const watching = await pool.wait(specOf('watching'), false, limits);
    watching.subscribed.set('a://b', true);
    pool.release(watching, false);
    pool.release(await pool.wait(SERVICE, false, limits), false);
    pool.release(await pool.wait(specOf('idle'), false, limits), false);
    await connections[3]!.until(() => connections[3]!.closed);
    expect(connections.map(({ closed }) => closed)).toEqual([false, false, false, true]);
    await pool.close(ENDED);
  });

  it('ends a session that was opened for one call', async () => {
    const { pool, connections } = poolOf();
    const slot = await pool.wait(specOf('once', { ephemeral: true }), true, limits);
    pool.release(slot, true);
    await connections[0]!.until(() => connections[0]!.closed);
    expect([...pool.groups()]).toEqual([]);
    await pool.close(ENDED);
  });

  it('replaces a lost session', async () => {
    const { pool, connections, lost } = poolOf();
    const first = await pool.wait(specOf('a'), false, limits);
    connections[0]!.break(new GatewayError('UPSTREAM_DISCONNECTED', 'died'));
    expect(lost).toEqual([first]);
    pool.release(first, false);
    expect(pool.take(specOf('a'), false)).toBeUndefined();
    expect(await pool.wait(specOf('a'), false, limits)).not.toBe(first);
    await pool.close(ENDED);
  });

  it('closes also what is still being opened', async () => {
    const { pool, connections, hold } = poolOf();
    const release = hold();
    const waiting = pool.wait(specOf('a'), false, limits);
    const closing = pool.close(ENDED);
    await expect(waiting).rejects.toBe(ENDED);
    release();
    await closing;
    expect(connections.every(({ closed }) => closed)).toBe(true);
    await expect(pool.wait(specOf('a'), false, limits)).rejects.toBe(ENDED);
  });

  it('lets retired sessions finish their calls', async () => {
    const { pool, connections } = poolOf();
    const slot = await pool.wait(specOf('a'), false, limits);
    pool.retire([slot]);
    expect(connections[0]!.closed).toBe(false);
    expect(pool.take(specOf('a'), false)).toBeUndefined();
    pool.release(slot, false);
    expect(connections[0]!.closed).toBe(true);
    await pool.close(ENDED);
  });
});
