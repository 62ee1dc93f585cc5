import { type CanActivate, type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AuthModule } from '#libs/auth';
import { RateLimitModule } from '#libs/ratelimit';
import { FrontDoor } from './front-door.js';
import { ConnectionFaults } from './http/connection-faults.js';
import { Connections } from './http/connections.js';
import { EntryGuard } from './http/entry.guard.js';
import { FrontLog } from './http/front-log.js';
import { FrontPolicy } from './http/front-policy.js';
import { GatewayExceptionFilter } from './http/gateway-exception.filter.js';
import { GuardedRoutes } from './http/guarded-routes.js';
import { HeldBytes } from './http/held-bytes.js';
import { HostOriginGuard } from './http/host-origin.guard.js';
import { RefusalAudit } from './http/refusal-audit.js';
import { Refusals } from './http/refusals.js';
import { RequestsInFlight } from './http/requests-in-flight.js';
import { Initializer } from './legacy/initializer.js';
import { LegacyFront } from './legacy/legacy-front.js';
import { RequestRunner } from './legacy/request-runner.js';
import { McpRoutes } from './mcp.routes.js';
import { CallDesk } from './modern/call-desk.js';
import { ClientFaults } from './modern/client-faults.js';
import { ListenDesk } from './modern/listen-desk.js';
import { ModernFront } from './modern/modern-front.js';
import { ModernTimes } from './modern/modern-times.js';
import { ParkingLot } from './modern/parking-lot.js';
import { RequestStates } from './modern/request-state.js';
import { Replica } from './session/replica.js';
import { Sessions } from './session/sessions.js';
import { DownstreamStats } from './stats.js';
import { Clock } from './streams/clock.js';
import { Drain } from './streams/drain.js';
import { Leases } from './streams/leases.js';
import { StreamBuffer } from './streams/stream-buffer.js';
import { StreamLimits } from './streams/stream-limits.js';
import { StreamRegistry } from './streams/stream-registry.js';
import { WellKnownController } from './well-known.controller.js';

/** Of every route, in this order. */
const GUARDS = [HostOriginGuard, EntryGuard];

/**
 * The front door. Its guards and its error answers are the application's: every route of every module is checked for
 * host and origin, then held back or authenticated, in this order, unless it is marked `@Public()`.
 */
@Module({})
export class DownstreamModule {
  /** `imports` bring `McpProxy`, and whichever of `ServerConfigRef`, `ProxyConfigRef`, `GatewayLog` are not global. */
  static register(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: DownstreamModule,
      imports: [AuthModule, RateLimitModule, ...imports],
      controllers: [WellKnownController],
      providers: [
        ...GUARDS,
        ...GUARDS.map((guard) => ({ provide: APP_GUARD, useExisting: guard })),
        GatewayExceptionFilter,
        { provide: APP_FILTER, useExisting: GatewayExceptionFilter },
        {
          provide: GuardedRoutes,
          inject: [GatewayExceptionFilter, ...GUARDS],
          useFactory: (filter: GatewayExceptionFilter, ...guards: CanActivate[]) => new GuardedRoutes(guards, filter),
        },
        McpRoutes,
        FrontPolicy,
        FrontLog,
        Refusals,
        RefusalAudit,
        ConnectionFaults,
        Connections,
        FrontDoor,
        HeldBytes,
        RequestsInFlight,
        LegacyFront,
        Initializer,
        RequestRunner,
        ModernFront,
        ModernTimes,
        ClientFaults,
        CallDesk,
        ListenDesk,
        ParkingLot,
        RequestStates,
        Replica,
        Sessions,
        StreamBuffer,
        StreamRegistry,
        StreamLimits,
        Clock,
        Leases,
        Drain,
        DownstreamStats,
      ],
      exports: [DownstreamStats, Drain],
    };
  }
}
