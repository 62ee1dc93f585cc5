export { AuditModule } from './audit.module.js';
export { AuditLog, type AuditOptions } from './audit-log.js';
export { auditProblems } from './audit-problems.js';
