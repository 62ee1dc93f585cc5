import { Global, Module } from '@nestjs/common';
import { EgressClient, EgressGuard } from '#libs/egress';

const guard = new EgressGuard();

/** A guard on the way out that lets tests reach this machine. */
@Global()
@Module({
  providers: [
    { provide: EgressGuard, useValue: guard },
    { provide: EgressClient, useValue: new EgressClient(guard) },
  ],
  exports: [EgressGuard, EgressClient],
})
export class WayOutModule {}
