import 'reflect-metadata';
import { dirname } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { AuthChain, AuthModule } from '#libs/auth';
import { ConfigModule, type LiveConfig } from '#libs/config';
import type { Principal } from '#libs/kernel';
import { createLogger, LoggingModule } from '#libs/logging';
import { loadPlugins, type PluginModuleRef } from '#libs/plugin';
import { EgressModule } from '../egress.module.js';

export type Judged =
  | { readonly kind: 'accepted'; readonly principal: Principal }
  | { readonly kind: 'refused'; readonly reason: string };

class JudgeModule {}

/**
 * Shows a token to the very door a gateway of this configuration has, identity provider included.
 * @throws GatewayError PLUGIN_INVALID
 */
export async function judgeToken(token: string, live: LiveConfig): Promise<Judged> {
  const { oauth, api_keys, plugins } = live.current;
  if (!oauth.enabled && api_keys.length === 0) return refused('it asks nobody for tokens: no oauth, no api_keys');
  const { path } = live.source;
  const loaded = await loadPlugins(plugins, { baseDir: path ? dirname(path) : process.cwd() });
  const app = await NestFactory.createApplicationContext(moduleOf(live, loaded), {
    logger: false,
    abortOnError: false,
  });
  try {
    const outcome = await app.get(AuthChain).authenticate({
      headers: { authorization: `Bearer ${token}` },
      rawHeaders: ['authorization', `Bearer ${token}`],
      url: '/mcp',
      remoteAddress: '127.0.0.1',
    });
    switch (outcome.kind) {
      case 'ok':
        return { kind: 'accepted', principal: outcome.principal };
      case 'denied':
      case 'malformed':
        return refused(outcome.reason);
      case 'unavailable':
        return refused('its identity provider cannot be reached');
      case 'none':
        return refused('no configured issuer or key recognises it');
    }
  } finally {
    await app.close();
  }
}

function moduleOf(live: LiveConfig, plugins: readonly PluginModuleRef[]) {
  const logger = createLogger({ level: 'silent', format: 'json', sink: { write: () => {} } });
  return {
    module: JudgeModule,
    imports: [ConfigModule.forRoot(live), LoggingModule.forRoot(logger), EgressModule, AuthModule, ...plugins],
  };
}

function refused(reason: string): Judged {
  return { kind: 'refused', reason };
}
