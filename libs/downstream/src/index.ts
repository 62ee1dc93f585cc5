export { DownstreamModule } from './downstream.module.js';
export { correlationOf } from './http/correlation.js';
export { GatewayExceptionFilter } from './http/gateway-exception.filter.js';
export { installBodyPassthrough } from './http/install.js';
export { httpServerOptions } from './http/server-options.js';
export { DownstreamStats } from './stats.js';
export { Drain } from './streams/drain.js';
