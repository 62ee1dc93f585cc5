export { GatewayMetrics, type GaugeSources } from './gateway-metrics.js';
export { MetricsModule, type MetricsModuleOptions } from './metrics.module.js';
export { MetricsListener } from './metrics-listener.js';
