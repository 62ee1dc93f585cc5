import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ExtensionRegistry } from './registry.js';

/** Import it where extensions are looked up; the plug-ins themselves are imported by the root module. */
@Module({ imports: [DiscoveryModule], providers: [ExtensionRegistry], exports: [ExtensionRegistry] })
export class PluginModule {}
