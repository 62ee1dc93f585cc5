export { API_KEY_ISSUER } from './api-keys.js';
export { AuthGuard } from './auth.guard.js';
export { AuthModule } from './auth.module.js';
export { AuthChain } from './auth-chain.js';
export { AuthSettings } from './auth-settings.js';
export { principalOf } from './principal-of.js';
