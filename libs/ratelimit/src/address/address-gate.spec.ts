import { describe, expect, it } from 'vitest';
import { type LimitsConfig, ServerConfig, ServerConfigRef } from '#libs/config';
import type { ErrorCode, GatewayError } from '#libs/kernel';
import { MemoryLimitStore } from '../store/memory-store.js';
import { Clock } from '../testing/limits.js';
import { AddressGate } from './address-gate.js';

const ATTACKER = '203.0.113.9';

function gateOf(limits: Partial<LimitsConfig> = {}) {
  const clock = new Clock();
  const config = new ServerConfigRef(withLimits(limits));
  const gate = new AddressGate(config, new MemoryLimitStore(clock.read));
  return { gate, clock, reload: (next: Partial<LimitsConfig>) => config.replace(withLimits(next)) };
}

function withLimits(limits: Partial<LimitsConfig>): ServerConfig {
  const server = new ServerConfig();
  Object.assign(server.limits, limits);
  return server;
}

/** One request that authentication lets in, or refuses with a code; undefined unless the gate itself refused it. */
async function knock(
  gate: AddressGate,
  fate: 'admitted' | ErrorCode,
  { address = ATTACKER, token = `Bearer ${fate}` }: { address?: string; token?: string | undefined } = {},
): Promise<GatewayError | undefined> {
  try {
    const visit = await gate.enter(address, fate === 'UNAUTHENTICATED' ? undefined : token);
    if (fate === 'admitted') visit?.admitted();
    else await visit?.refused(fate);
    return undefined;
  } catch (thrown) {
    return thrown as GatewayError;
  }
}

async function reached(count: number, one: () => Promise<GatewayError | undefined>): Promise<number> {
  let behind = 0;
  for (let i = 0; i < count; i++) if (!(await one())) behind++;
  return behind;
}

describe('AddressGate', () => {
  it('lets 20 requests a second of an address go on without credentials, and says when to come back', async () => {
    const { gate, clock } = gateOf();
    expect(await reached(100, () => knock(gate, 'UNAUTHENTICATED'))).toBe(20);
    expect(await knock(gate, 'UNAUTHENTICATED')).toMatchObject({
      code: 'RATE_LIMITED',
      data: { key: 'server.limits.unauthenticated_per_second', retryAfter: 1 },
    });
    expect(await reached(100, () => knock(gate, 'UNAUTHENTICATED', { address: '203.0.113.10' }))).toBe(20);
    clock.pass(1_000);
    expect(await reached(100, () => knock(gate, 'UNAUTHENTICATED'))).toBe(20);
  });

  it('blocks an address for a minute after ten refused credentials', async () => {
    const { gate, clock } = gateOf();
    expect(await reached(30, () => knock(gate, 'TOKEN_INVALID'))).toBe(10);
    const refusal = await knock(gate, 'TOKEN_INVALID');
    expect(refusal).toMatchObject({
      code: 'RATE_LIMITED',
      data: { key: 'server.limits.auth_failures_per_minute', retryAfter: 60 },
    });
    expect(refusal?.message).toBe(
      'Too many refused credentials came from this network address; try again in 60 seconds, with valid credentials',
    );
    clock.pass(59_000);
    expect(await knock(gate, 'CREDENTIALS_MALFORMED')).toMatchObject({ data: { retryAfter: 1 } });
    clock.pass(1_000);
    expect(await knock(gate, 'CREDENTIALS_MALFORMED')).toBeUndefined();
  });

  it('never counts requests that authenticate, however many they are', async () => {
    const { gate } = gateOf();
    expect(await reached(5_000, () => knock(gate, 'admitted'))).toBe(5_000);
  });

  it('does not hold against an address that credentials could not be checked', async () => {
    const { gate } = gateOf();
    expect(await reached(100, () => knock(gate, 'AUTH_UNAVAILABLE'))).toBe(100);
  });

  it('passes a credential that was good lately while its address is blocked, and no other', async () => {
    const { gate } = gateOf();
    await knock(gate, 'admitted', { token: 'Bearer of-a-neighbour' });
    await reached(30, () => knock(gate, 'TOKEN_INVALID'));
    expect(await knock(gate, 'admitted', { token: 'Bearer of-a-neighbour' })).toBeUndefined();
    expect(await knock(gate, 'admitted', { token: 'Bearer of-somebody-new' })).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('takes a credential that was good for one that expired, not for a guess, once', async () => {
    const { gate } = gateOf();
    for (let i = 0; i < 15; i++) {
      const token = `Bearer of-client-${i}`;
      expect(await knock(gate, 'admitted', { token })).toBeUndefined();
      expect(await knock(gate, 'TOKEN_INVALID', { token })).toBeUndefined();
    }
    const token = 'Bearer of-client-0';
    expect(await reached(30, () => knock(gate, 'TOKEN_INVALID', { token }))).toBeLessThanOrEqual(10);
  });

  it('never holds back this machine', async () => {
    const { gate } = gateOf();
    for (const address of ['127.0.0.1', '::1']) {
      expect(gate.enter(address, undefined)).toBeUndefined();
      expect(await reached(500, () => knock(gate, 'TOKEN_INVALID', { address }))).toBe(500);
    }
  });

  it('counts an IPv6 network of one customer as one address', async () => {
    const { gate } = gateOf();
    let next = 0;
    const anew = () => knock(gate, 'TOKEN_INVALID', { address: `2001:db8::${(++next).toString(16)}` });
    expect(await reached(50, anew)).toBe(10);
  });

  it('0 switches either limit off; with both off nobody is asked about', async () => {
    const failures = gateOf({ unauthenticated_per_second: 0 }).gate;
    expect(await reached(100, () => knock(failures, 'UNAUTHENTICATED'))).toBe(100);
    expect(await reached(100, () => knock(failures, 'TOKEN_INVALID'))).toBe(10);
    const rate = gateOf({ auth_failures_per_minute: 0 }).gate;
    expect(await reached(100, () => knock(rate, 'TOKEN_INVALID'))).toBe(20);
    const off = gateOf({ auth_failures_per_minute: 0, unauthenticated_per_second: 0 }).gate;
    expect(off.enter(ATTACKER, undefined)).toBeUndefined();
  });

  it('follows a reload, which leaves blocks alone unless their own settings changed', async () => {
    const { gate, reload } = gateOf();
    await reached(30, () => knock(gate, 'TOKEN_INVALID'));
    reload({ body: 1_000_000 });
    expect(await knock(gate, 'TOKEN_INVALID')).toMatchObject({ code: 'RATE_LIMITED' });
    reload({ auth_failures_per_minute: 50 });
    expect(await knock(gate, 'TOKEN_INVALID')).toBeUndefined();
  });
});
