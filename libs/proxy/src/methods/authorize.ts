import { GatewayError, type ObjectRef } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import type { Desk, Request } from './context.js';

type Allowed = Extract<Decision, { effect: 'allow' }>;

/**
 * The one decision about using something, made with today's policy: when a request comes, when a parked call goes on, and
 * when a result is handed over. While the policy is the one that decided for this request before, its decision stands: an
 * equal question gets an equal answer from it. Undefined when the caller may not know that the thing exists: then the answer is the one
 * for an unknown name, by the same code.
 * @throws GatewayError INSUFFICIENT_SCOPE with `data.scopes`, everything the caller has to ask its authorization server for
 */
export function authorize(
  { catalogue }: Pick<Desk, 'catalogue'>,
  { exchange, verdict }: Pick<Request, 'exchange' | 'verdict'>,
  ref: ObjectRef,
): Allowed | undefined {
  const { policyVersion } = catalogue;
  if (verdict.ref !== ref || verdict.policyVersion !== policyVersion || !verdict.decision) {
    // First: should it throw, nothing that was decided of another thing may stand for this one.
    const decision = catalogue.decide(exchange.principal, ref);
    verdict.ref = ref;
    verdict.decision = decision;
    verdict.policyVersion = policyVersion;
  }
  const { decision } = verdict;
  switch (decision.effect) {
    case 'allow':
      return decision;
    case 'challenge':
      throw new GatewayError('INSUFFICIENT_SCOPE', 'This needs scopes that your token does not have; ask for them', {
        data: { scopes: decision.scopes },
      });
    default:
      return undefined;
  }
}
