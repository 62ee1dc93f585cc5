import { ConfigRef } from './ref.js';
import type { GatewayConfig, MetricsConfig, ProxyConfig, ServerConfig } from './sections/sections.js';

// One injectable class per section: tokens with types.
export class GatewayConfigRef extends ConfigRef<GatewayConfig> {}
export class ServerConfigRef extends ConfigRef<ServerConfig> {}
export class ProxyConfigRef extends ConfigRef<ProxyConfig> {}
export class MetricsConfigRef extends ConfigRef<MetricsConfig> {}
