import { canonicalName, endpointPath, GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import type { RequestMessage } from '#libs/mcp';
import type { AuditEvent, AuditTrail } from '#libs/plugin';
import type { Request } from '../methods/context.js';
import { isError } from '../methods/sink.js';

/** What asks something of an upstream on somebody's behalf. Lists, `initialize` and the like are answered here. */
const CALLS: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'completion/complete',
]);

/** Codes of a name that is not in the caller's view, whether it exists or not. */
const UNKNOWN: ReadonlySet<string> = new Set(['UNKNOWN_TOOL', 'UNKNOWN_PROMPT', 'UNKNOWN_RESOURCE']);

type Ended = Outcome | GatewayError;

export function isCall(method: string): boolean {
  return CALLS.has(method);
}

/** Does the work and records it as one event, whatever becomes of it. */
export async function audited(
  trail: AuditTrail,
  request: Request,
  work: () => Promise<Outcome> | Outcome,
): Promise<Outcome> {
  const started = performance.now();
  const record = (ended: Ended) =>
    trail.record({ ...eventOf(request, ended), durationMs: performance.now() - started });
  try {
    const outcome = await work();
    record(outcome);
    return outcome;
  } catch (thrown) {
    record(toGatewayError(thrown));
    throw thrown;
  }
}

/** One event for a request and what became of it; `call` when it was let through, whatever was said afterwards. */
export function eventOf(request: Request, ended: Ended): AuditEvent {
  const { exchange, message, verdict } = request;
  const { client, principal, remoteAddress } = exchange;
  const ruling = rulingOf(request, ended);
  const through = verdict.sent || ruling.decision === 'allow';
  const spelled = spelledName(message);
  const canonical = verdict.ref && canonicalName(verdict.ref);
  return {
    event: through ? 'call' : ruling.decision ? 'denied' : 'refused',
    requestId: exchange.id,
    principal,
    client: { name: client.name, version: client.clientVersion },
    remoteAddress,
    endpoint: endpointPath(exchange.endpoint),
    method: message.method,
    server: verdict.ref?.server,
    object: verdict.ref?.name ?? spelled,
    exposed: canonical !== undefined && canonical !== spelled ? spelled : undefined,
    ...ruling,
    outcome: through ? outcomeOf(ended) : 'refused',
    code: codeOf(ended),
    arguments: argumentsOf(message),
  };
}

function rulingOf(
  { verdict }: Request,
  ended: Ended,
): Pick<AuditEvent, 'decision' | 'rule' | 'reason' | 'policyVersion'> {
  const { decision, denial, policyVersion } = verdict;
  if (denial) return { decision: 'deny', rule: `policy:${denial.policy}`, reason: denial.reason, policyVersion };
  if (decision) return { decision: decision.effect, rule: decision.rule, policyVersion };
  // Completion of what is not in the view has a result: nothing to suggest.
  const unknown = !(ended instanceof GatewayError) || UNKNOWN.has(ended.code);
  return unknown ? { decision: 'hide', policyVersion } : {};
}

function outcomeOf(ended: Ended): AuditEvent['outcome'] {
  if (ended instanceof GatewayError) return 'error';
  return ended.kind === 'result' && isError(ended) ? 'tool_error' : ended.kind;
}

function codeOf(ended: Ended): string | undefined {
  if (ended instanceof GatewayError) return ended.code;
  return ended.kind === 'error' ? String(ended.code) : undefined;
}

function spelledName({ params }: RequestMessage): string | undefined {
  const ref = params?.get('ref') ?? params;
  return ref?.get('name')?.string() ?? ref?.get('uri')?.string();
}

function argumentsOf({ method, params }: RequestMessage): Buffer | undefined {
  return params?.get(method === 'completion/complete' ? 'argument' : 'arguments')?.raw();
}
