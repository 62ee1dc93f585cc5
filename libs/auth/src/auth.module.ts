import { Module } from '@nestjs/common';
import { PluginModule } from '#libs/plugin';
import { AuthGuard } from './auth.guard.js';
import { AuthChain } from './auth-chain.js';
import { AuthSettings } from './auth-settings.js';
import { LiveAuth } from './live-auth.js';
import { PRESETS } from './providers/index.js';
import { OidcParts } from './providers/oidc-provider.js';
import { ResourceServer } from './resource/resource-server.js';
import { Standings } from './standing.js';

/**
 * Who is calling. Which authenticators are asked, and in which order, is the configuration's decision and never follows
 * from one being installed: with no authentication configured everybody is anonymous.
 * Needs the configuration's refs, `GatewayLog` and `EgressClient` from global modules.
 */
@Module({
  imports: [PluginModule],
  providers: [
    OidcParts,
    ...PRESETS,
    LiveAuth,
    { provide: AuthChain, useFactory: ({ chain }: LiveAuth) => chain, inject: [LiveAuth] },
    AuthSettings,
    AuthGuard,
    Standings,
    ResourceServer,
  ],
  exports: [AuthGuard, AuthChain, AuthSettings, Standings, ResourceServer],
})
export class AuthModule {}
