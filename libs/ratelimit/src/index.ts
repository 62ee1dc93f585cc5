export { AddressGate, type Visit } from './address/address-gate.js';
export { LoadShedder } from './overload/load-shedder.js';
export { RateLimits } from './rate-limits.js';
export { RateLimitModule } from './ratelimit.module.js';
export type { Caller } from './rules/keys.js';
export type { Permit } from './rules/permit.js';
export { LimitStore } from './store/limit-store.js';
export { MemoryLimitStore } from './store/memory-store.js';
