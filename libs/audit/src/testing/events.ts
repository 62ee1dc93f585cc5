import { principal } from '#libs/kernel';
import type { AuditEvent } from '#libs/plugin';

/** A call as the proxy records one. */
export function aCall(changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    event: 'call',
    requestId: 'request-1',
    principal: principal('https://id.example', 'ann', { clientId: 'desk' }),
    client: { name: 'desk app', version: '1.2' },
    remoteAddress: '192.0.2.7',
    endpoint: '/mcp',
    method: 'tools/call',
    server: 'files',
    object: 'read',
    decision: 'allow',
    rule: 'files:*',
    outcome: 'result',
    durationMs: 12.3456,
    ...changes,
  };
}

export function aRefusal(changes: Partial<AuditEvent> = {}): AuditEvent {
  const { principal: _, server: __, ...rest } = aCall();
  return {
    ...rest,
    event: 'denied',
    decision: 'unauthenticated',
    outcome: 'refused',
    code: 'TOKEN_INVALID',
    ...changes,
  };
}
