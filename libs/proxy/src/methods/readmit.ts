import { canonicalName, type Exchange, toGatewayError } from '#libs/kernel';
import type { AuditTrail } from '#libs/plugin';
import { eventOf } from '../audit/audited.js';
import type { Readmission } from '../contract.js';
import type { Desk, Request } from './context.js';
import { judgedOf } from './route.js';
import { type Subject, subjectOf } from './target.js';

/** Judges a retry that would take up a waiting call: by today's view and permissions, by the limits, and by the policies. */
export function readmit(desk: Desk, trail: AuditTrail, request: Request, waiting: Exchange): Readmission {
  const refuse = (thrown: unknown): never => {
    if (trail.enabled) trail.record(eventOf(request, toGatewayError(thrown)));
    throw thrown;
  };
  try {
    const subject = subjectOf(desk, request);
    if (!subject) return { target: request.message.method };
    const judging = judge(desk, request, subject, waiting);
    const target = canonicalName(subject.ref);
    return judging ? { target, judging: judging.catch(refuse) } : { target };
  } catch (thrown) {
    return refuse(thrown);
  }
}

/** Undefined when nobody has to be asked. */
function judge(desk: Desk, request: Request, { ref, params }: Subject, waiting: Exchange): Promise<void> | undefined {
  const policies = () => desk.policies?.resume(judgedOf(request, ref), params().bytes, waiting);
  const permit = desk.limits.resume(request.exchange);
  const limited = permit instanceof Promise ? permit.then((it) => it.use(ref)) : permit?.use(ref);
  return limited ? limited.then(policies) : policies();
}
