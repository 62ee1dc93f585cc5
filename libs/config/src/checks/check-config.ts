import type { Findings } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';
import { checkAccess } from './access.js';
import { checkCredential } from './credential.js';
import { checkLater } from './later.js';
import { checkProxy } from './proxy.js';
import { checkRateLimits } from './rate-limit.js';
import { checkUpstream } from './upstream.js';

/** What one field cannot know by itself. Fields that were refused hold their defaults here. */
export function checkConfig(config: GatewayConfig, findings: Findings): void {
  config.proxy.servers.forEach((upstream, index) => {
    const path = ['proxy', 'servers', index];
    checkUpstream(upstream, path, findings);
    checkCredential(upstream, config, path, findings);
  });
  checkProxy(config, findings);
  checkAccess(config, findings);
  checkRateLimits(config, findings);
  checkLater(config, findings);
}
