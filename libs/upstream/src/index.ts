export type { CallSink, UpstreamCall, UpstreamDirectory, UpstreamEvents, UpstreamHandle } from './contract.js';
export { settingsProblems } from './registry/settings-problems.js';
export { type Applied, type ApplyOptions, UpstreamRegistry } from './registry/upstream-registry.js';
export { type ClientCapabilities, capabilitiesOf } from './session/capabilities.js';
export { ChildEnvironment } from './transports/stdio/child-environment.js';
export { TransportsModule } from './transports/transports.module.js';
export { UpstreamModule } from './upstream.module.js';
