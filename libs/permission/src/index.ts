export { AllowAll } from './allow-all.js';
export { PermissionModule } from './permission.module.js';
