export { closeness, type PermissionPattern, parsePattern, permissionPatternFlaw } from './access/pattern.js';
export { isScopeClaim, type Mapping, obtainable, parseMappings, withImplied } from './access/scopes.js';
export { ConfigModule } from './config.module.js';
export { equalConfig } from './equal.js';
export {
  type ConfigCheck,
  LiveConfig,
  type LiveConfigOptions,
  type ReloadResult,
  type SectionRefs,
  serveProblems,
} from './live-config.js';
export {
  configFrom,
  type LoadedConfig,
  type LoadOptions,
  loadConfig,
  type NoConfig,
  type SecretReferences,
  secretReferences,
} from './load/load-config.js';
export type { Overrides } from './load/overrides.js';
export { ConfigError, type Problem, showProblem } from './load/problems.js';
export { ConfigRef } from './ref.js';
export {
  ApiKeysConfigRef,
  AuditConfigRef,
  AuthConfigRef,
  GatewayConfigRef,
  LogConfigRef,
  MetricsConfigRef,
  OauthConfigRef,
  ProxyConfigRef,
  RateLimitConfigRef,
  ServerConfigRef,
} from './refs.js';
export { listenProblem } from './report/listen.js';
export { type ConfigKey, configKeys } from './schema/config-keys.js';
export { gatewayJsonSchema } from './schema/json-schema.js';
export { fillKeyTables } from './schema/key-tables.js';
export { ApiKeyConfig, AuthConfig, AuthOptionsConfig, PermissionConfig } from './sections/auth.config.js';
export { AdminConfig, GatewayConfig, StoreConfig } from './sections/gateway.config.js';
export { IntrospectionConfig, OauthConfig, OktaConfig } from './sections/oauth.config.js';
export { AuditConfig, LogConfig, MetricsConfig, TracingConfig } from './sections/observability.config.js';
export { ClientProfileConfig, ProxyConfig, ToolsetConfig } from './sections/proxy.config.js';
export { RateLimitConfig } from './sections/rate-limit.config.js';
export { CorsConfig, LimitsConfig, ServerConfig, ShutdownConfig } from './sections/server.config.js';
export { ConnectionConfig, TlsConfig, ToolSelectionConfig, UpstreamConfig } from './sections/upstream.config.js';
export { type ConfigWatch, type WatchOptions, watchConfig } from './watch/watch-config.js';
export type { ReadSecret, SecretReader } from './yaml/secret-reader.js';
