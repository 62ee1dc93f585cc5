import { Module } from '@nestjs/common';
import { PluginModule } from '#libs/plugin';
import { UpstreamRegistry } from './registry/upstream-registry.js';
import { TransportsModule } from './transports/transports.module.js';

/**
 * The back door. Its configuration is handed to `UpstreamRegistry.apply` by whoever owns it. Needs an `EgressGuard` and an
 * `EgressClient` from a global module.
 */
@Module({ imports: [PluginModule, TransportsModule], providers: [UpstreamRegistry], exports: [UpstreamRegistry] })
export class UpstreamModule {}
