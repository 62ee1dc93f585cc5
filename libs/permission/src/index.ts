export { type Explanation, explain, type GrantReason, parseObject, type RuleReason } from './explain.js';
export { PermissionModule } from './permission.module.js';
export { Permissions } from './permissions.js';
export { type Judgement, Policy, type PolicyConfig } from './policy.js';
