import { Module } from '@nestjs/common';
import { GatewayLog } from '#libs/plugin';
import { AnonymousProvider } from './anonymous.provider.js';
import { AuthGuard } from './auth.guard.js';
import { AuthChain } from './auth-chain.js';

/**
 * Who is calling. Which providers are asked, and in which order, is the configuration's decision and never follows
 * from a provider being installed: with no authentication configured it is the anonymous one alone.
 * Needs a `GatewayLog` from a global module.
 */
@Module({
  providers: [
    AnonymousProvider,
    {
      provide: AuthChain,
      useFactory: (anonymous: AnonymousProvider, log: GatewayLog) => new AuthChain([anonymous], log),
      inject: [AnonymousProvider, GatewayLog],
    },
    AuthGuard,
  ],
  exports: [AuthGuard, AuthChain],
})
export class AuthModule {}
