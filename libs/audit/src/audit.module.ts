import { type DynamicModule, Global, Module } from '@nestjs/common';
import { AuditConfigRef } from '#libs/config';
import { AuditTrail, GatewayLog } from '#libs/plugin';
import { AuditLog, type AuditOptions } from './audit-log.js';

/** Binds the AuditTrail port everywhere. Needs AuditConfigRef and GatewayLog globally. */
@Global()
@Module({})
export class AuditModule {
  static forRoot(options: AuditOptions): DynamicModule {
    return {
      module: AuditModule,
      providers: [
        {
          provide: AuditLog,
          useFactory: (config: AuditConfigRef, log: GatewayLog) => new AuditLog(config, log, options),
          inject: [AuditConfigRef, GatewayLog],
        },
        { provide: AuditTrail, useExisting: AuditLog },
      ],
      exports: [AuditLog, AuditTrail],
    };
  }
}
