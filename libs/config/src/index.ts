export { ConfigRef } from './ref.js';
export { GatewayConfigRef, MetricsConfigRef, ProxyConfigRef, ServerConfigRef } from './refs.js';
export {
  type ClientProfileConfig,
  ConnectionConfig,
  GatewayConfig,
  LimitsConfig,
  LogConfig,
  MetricsConfig,
  ProxyConfig,
  ServerConfig,
  type ToolsetConfig,
  UpstreamConfig,
} from './sections/sections.js';
