export { bearing, setupFor } from './asking.js';
export { describeAuthProvider, type ProviderFixture } from './provider-contract.js';
