import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type ClientSession, type GatewayError } from '#libs/kernel';
import type { OpenedSession } from './session-opener.js';
import { SessionStore } from './session-store.js';

function opened(id: string, expiresAt = 1_000_000_000): OpenedSession {
  const client = { era: 'legacy', version: '2025-11-25', name: '', clientVersion: '', capabilities: {} } as const;
  const session: ClientSession = {
    id,
    principal: ANONYMOUS,
    endpoint: { kind: 'aggregate' },
    client,
    spelling: { separator: ':', maxLength: 128 },
    elsewhere: false,
  };
  return { token: 't', session, expiresAt };
}

function storeOf(settings: { perOwner?: number; idleAfter?: number; total?: number } = {}) {
  const closed: string[] = [];
  const clock = { now: 0 };
  const store = new SessionStore({
    replicaId: '00000000',
    perOwner: () => settings.perOwner ?? 50,
    onClosed: (session) => closed.push(session.id),
    now: () => clock.now,
    idleAfter: () => settings.idleAfter ?? 30 * 60_000,
    total: () => settings.total ?? 10_000,
  });
  return { store, closed, clock };
}

const busy = () => ({ abort() {} });

describe('SessionStore', () => {
  it('keeps one overlay per session', () => {
    const { store } = storeOf();
    expect(store.touch(opened('a'), 'x')).toBe(store.touch(opened('a'), 'x'));
    expect(store.size).toBe(1);
  });

  it('makes room for a new session by dropping the one of the same owner that was idle longest', () => {
    const { store, closed } = storeOf({ perOwner: 2 });
    store.touch(opened('a'), 'x');
    store.touch(opened('b'), 'x');
    store.touch(opened('other'), 'y');
    store.touch(opened('a'), 'x');
    store.touch(opened('c'), 'x');
    expect(closed).toEqual(['b']);
    expect(store.size).toBe(3);
  });

  it('never drops a busy session, and refuses the new one when all are busy', () => {
    const { store, closed } = storeOf({ perOwner: 2 });
    store.touch(opened('a'), 'x').running.set('1', busy());
    store.touch(opened('b'), 'x').running.set('1', busy());
    expect(() => store.touch(opened('c'), 'x')).toThrow(
      expect.objectContaining({ code: 'SESSION_LIMIT' }) as GatewayError,
    );
    expect(store.touch(opened('c'), 'y').session.id).toBe('c');
    expect(closed).toEqual([]);
  });

  it('bounds the sessions of all owners together', () => {
    const { store, closed } = storeOf({ total: 3 });
    for (let index = 0; index < 10; index++) store.touch(opened(`s${index}`), `owner ${index}`);
    expect(store.size).toBe(3);
    expect(closed).toHaveLength(7);
  });

  it('drops sessions that were idle for the whole time, but not those in use', () => {
    const { store, closed, clock } = storeOf({ idleAfter: 100 });
    store.touch(opened('idle'), 'x');
    store.touch(opened('busy'), 'x').running.set('1', busy());
    clock.now = 60;
    store.touch(opened('fresh'), 'x');
    clock.now = 100;
    store.sweep();
    expect(closed).toEqual(['idle']);
    expect(store.size).toBe(2);
  });

  it('ends what is still open in a session past its end', () => {
    const { store, closed, clock } = storeOf();
    const aborted: string[] = [];
    const overlay = store.touch(opened('a', 500), 'x');
    overlay.running.set('1', { abort: (reason) => aborted.push(reason.code) });
    clock.now = 500;
    store.sweep();
    expect(aborted).toEqual(['SESSION_NOT_FOUND']);
    expect(closed).toEqual(['a']);
  });

  it('remembers revoked sessions, also those it never had an overlay of', () => {
    const { store, closed } = storeOf();
    store.revoke(opened('elsewhere'));
    expect(store.isRevoked('elsewhere')).toBe(true);
    expect(store.isRevoked('other')).toBe(false);
    expect(closed).toEqual(['elsewhere']);
  });
});
