import { Module } from '@nestjs/common';
import { AddressGate } from './address/address-gate.js';
import { LoadShedder } from './overload/load-shedder.js';
import { LoopDelay } from './overload/loop-delay.js';
import { RateLimits } from './rate-limits.js';
import { LimitStore } from './store/limit-store.js';
import { MemoryLimitStore } from './store/memory-store.js';

/** Limits on callers and on what they call, on strangers, and on the process. Needs the configuration's refs globally. */
@Module({
  providers: [
    { provide: LimitStore, useFactory: () => new MemoryLimitStore() },
    { provide: LoopDelay, useFactory: () => new LoopDelay() },
    RateLimits,
    AddressGate,
    LoadShedder,
  ],
  exports: [RateLimits, AddressGate, LoadShedder],
})
export class RateLimitModule {}
