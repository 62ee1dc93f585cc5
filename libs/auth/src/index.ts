export { AuthGuard } from './auth.guard.js';
export { AuthModule } from './auth.module.js';
export { AuthChain } from './auth-chain.js';
export { principalOf } from './principal-of.js';
