import { RateLimitConfig, RateLimitConfigRef } from '#libs/config';
import { type GatewayError, type ObjectRef, type Principal, principal } from '#libs/kernel';
import { RateLimits } from '../rate-limits.js';
import type { Caller } from '../rules/keys.js';
import { MemoryLimitStore } from '../store/memory-store.js';

/** A clock that stands still until it is told. */
export class Clock {
  now = 1_000_000;
  readonly read = (): number => this.now;

  pass(milliseconds: number): void {
    this.now += milliseconds;
  }
}

export function rule(settings: Partial<RateLimitConfig> & Pick<RateLimitConfig, 'key'>): RateLimitConfig {
  return Object.assign(new RateLimitConfig(), settings);
}

/** The service, with a configuration that can change and a clock in the test's hands. */
export function limitsOf(...rules: RateLimitConfig[]) {
  const clock = new Clock();
  const config = new RateLimitConfigRef(rules);
  const limits = new RateLimits(config, new MemoryLimitStore(clock.read));
  return { limits, clock, reload: (...next: RateLimitConfig[]) => config.replace(next) };
}

export interface Someone {
  readonly subject?: string;
  readonly issuer?: string;
  readonly principal?: Principal;
  readonly clientId?: string;
  readonly client?: string;
  readonly address?: string;
}

export function caller(someone: Someone = {}): Caller {
  const { subject = 'ann', issuer = 'https://idp', clientId, client = 'claude', address = '203.0.113.1' } = someone;
  return {
    principal: someone.principal ?? principal(issuer, subject, { clientId }),
    client: { era: 'legacy', version: '2025-11-25', name: client, clientVersion: '1', capabilities: {} },
    remoteAddress: address,
  };
}

export function tool(name: string): ObjectRef {
  const [server = '', own = ''] = name.split(':');
  return { kind: 'tool', server, name: own };
}

/** One whole request that ends at once: undefined when it passed, else why not. */
export async function request(limits: RateLimits, from: Caller, target?: ObjectRef): Promise<GatewayError | undefined> {
  try {
    const permit = await limits.begin(from);
    if (target) await permit?.use(target);
    permit?.release();
    return undefined;
  } catch (thrown) {
    return thrown as GatewayError;
  }
}

/** How many of so many requests pass. */
export async function passed(count: number, one: () => Promise<GatewayError | undefined>): Promise<number> {
  let passing = 0;
  for (let i = 0; i < count; i++) if (!(await one())) passing++;
  return passing;
}
