import {
  canonicalName,
  type Exchange,
  endpointPath,
  GatewayError,
  type ObjectRef,
  type Outcome,
  toGatewayError,
} from '#libs/kernel';
import type { RequestMessage } from '#libs/mcp';
import type { AuditEvent, AuditTrail } from '#libs/plugin';
import type { WatchRequest } from '../changes/listeners.js';
import type { Request, Verdict } from '../methods/context.js';
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

/** One event for a request and what became of it; `call` when it went to an upstream, whatever was decided afterwards. */
export function eventOf({ exchange, message, verdict }: Request, ended: Ended): AuditEvent {
  // Completion of what is not in the view has a result: nothing to suggest.
  const unknown = !(ended instanceof GatewayError) || UNKNOWN.has(ended.code);
  return {
    ...aboutOf(exchange, message.method, spelledName(message), verdict.ref),
    ...endOf(rulingOf(verdict, unknown), verdict.sent === true, ended),
    arguments: argumentsOf(message),
  };
}

/** One event for one resource that a listen stream asks for. */
export function watchEvent(exchange: Exchange, spelled: string, { ref, decision, ended }: WatchRequest): AuditEvent {
  return {
    ...aboutOf(exchange, 'subscriptions/listen', spelled, ref),
    ...endOf(rulingOf({ ...(decision && { decision }) }, true), ended !== undefined, ended),
  };
}

function aboutOf(exchange: Exchange, method: string, spelled: string | undefined, ref: ObjectRef | undefined) {
  const { client, principal, remoteAddress } = exchange;
  const canonical = ref && canonicalName(ref);
  return {
    requestId: exchange.id,
    principal,
    client: { name: client.name, version: client.clientVersion },
    remoteAddress,
    endpoint: endpointPath(exchange.endpoint),
    method,
    server: ref?.server,
    object: ref?.name ?? spelled,
    exposed: canonical !== undefined && canonical !== spelled ? spelled : undefined,
  };
}

type Ruling = Pick<AuditEvent, 'decision' | 'rule' | 'reason' | 'policyVersion'>;

function rulingOf({ decision, denial, policyVersion }: Verdict, unknown: boolean): Ruling {
  if (denial) return { decision: 'deny', rule: `policy:${denial.policy}`, reason: denial.reason, policyVersion };
  if (decision) return { decision: decision.effect, rule: decision.rule, policyVersion };
  return unknown ? { decision: 'hide', policyVersion } : {};
}

/** What never reached its upstream although it was allowed was turned away for another reason: a limit, a removed server. */
function endOf(ruling: Ruling, sent: boolean, ended: Ended | undefined) {
  const isDenied = ruling.decision !== undefined && ruling.decision !== 'allow';
  const event: AuditEvent['event'] = sent ? 'call' : isDenied ? 'denied' : 'refused';
  const outcome: AuditEvent['outcome'] = sent && ended ? outcomeOf(ended) : 'refused';
  return { event, ...ruling, outcome, code: ended && codeOf(ended) };
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
