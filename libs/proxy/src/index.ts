export { type Listening, type ListenWish, McpProxy, type Readmission, type SessionChannel } from './contract.js';
export { GatewayStatus } from './gateway-status.js';
export { BUILT_IN_PROFILES, type ClientProfile, matchesName, spellingFor } from './identity/profiles.js';
export { ProxyOptions } from './options.js';
export { ProxyModule } from './proxy.module.js';
