export { describeCallPolicy, type PolicyExample, type PolicyHarness } from './policy-contract.js';
