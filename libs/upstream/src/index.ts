export type { CallSink, UpstreamCall, UpstreamDirectory, UpstreamEvents, UpstreamHandle } from './contract.js';
export { type Applied, type ApplyOptions, UpstreamRegistry } from './registry/upstream-registry.js';
export { UpstreamModule } from './upstream.module.js';
