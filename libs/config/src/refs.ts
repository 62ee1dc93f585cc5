import { ConfigRef } from './ref.js';
import type { ApiKeyConfig, AuthConfig } from './sections/auth.config.js';
import type { GatewayConfig } from './sections/gateway.config.js';
import type { OauthConfig } from './sections/oauth.config.js';
import type { AuditConfig, LogConfig, MetricsConfig } from './sections/observability.config.js';
import type { ProxyConfig } from './sections/proxy.config.js';
import type { RateLimitConfig } from './sections/rate-limit.config.js';
import type { ServerConfig } from './sections/server.config.js';

// One injectable class per section: tokens with types.
export class GatewayConfigRef extends ConfigRef<GatewayConfig> {}
export class ServerConfigRef extends ConfigRef<ServerConfig> {}
export class OauthConfigRef extends ConfigRef<OauthConfig> {}
export class ApiKeysConfigRef extends ConfigRef<readonly ApiKeyConfig[]> {}
export class AuthConfigRef extends ConfigRef<AuthConfig> {}
export class ProxyConfigRef extends ConfigRef<ProxyConfig> {}
export class RateLimitConfigRef extends ConfigRef<readonly RateLimitConfig[]> {}
export class LogConfigRef extends ConfigRef<LogConfig> {}
export class AuditConfigRef extends ConfigRef<AuditConfig> {}
export class MetricsConfigRef extends ConfigRef<MetricsConfig> {}
