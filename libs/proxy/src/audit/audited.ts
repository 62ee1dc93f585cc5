import { canonicalName, type Exchange, endpointPath, GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import type { RequestMessage } from '#libs/mcp';
import type { AuditEvent, AuditTrail, JsonSpan } from '#libs/plugin';
import type { WatchRequest } from '../changes/listeners.js';
import { type Desk, type Handler, type Request, Verdict } from '../methods/context.js';
import { withinLimits } from '../methods/limited.js';
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

/** Handles a request and records it as one event, whatever becomes of it. */
export async function audited(trail: AuditTrail, desk: Desk, request: Request, handler: Handler): Promise<Outcome> {
  const started = performance.now();
  try {
    const outcome = await withinLimits(desk, request, handler);
    trail.record(eventOf(request, outcome, performance.now() - started));
    return outcome;
  } catch (thrown) {
    trail.record(eventOf(request, toGatewayError(thrown), performance.now() - started));
    throw thrown;
  }
}

/** One event for a request and what became of it; `call` when it went to an upstream, whatever was decided afterwards. */
export function eventOf({ exchange, message, verdict }: Request, ended: Ended, durationMs?: number): AuditEvent {
  return event(exchange, verdict, {
    method: message.method,
    spelled: spelledName(message),
    sent: verdict.sent,
    ended,
    // Completion of what is not in the view has a result: nothing to suggest.
    unknown: !(ended instanceof GatewayError) || UNKNOWN.has(ended.code),
    durationMs,
    arguments: argumentsOf(message),
  });
}

/** One event for one resource that a listen stream asks for. */
export function watchEvent(exchange: Exchange, spelled: string, { ref, decision, ended }: WatchRequest): AuditEvent {
  const verdict = Object.assign(new Verdict(), { ref, decision });
  return event(exchange, verdict, {
    method: 'subscriptions/listen',
    spelled,
    sent: ended !== undefined,
    ended,
    unknown: true,
    durationMs: undefined,
    arguments: undefined,
  });
}

interface About {
  readonly method: string;
  /** The name or URI as the client wrote it. */
  readonly spelled: string | undefined;
  readonly sent: boolean;
  readonly ended: Ended | undefined;
  /** Whether what came to no decision was a name that is not in the view. */
  readonly unknown: boolean;
  readonly durationMs: number | undefined;
  readonly arguments: JsonSpan | undefined;
}

function event(exchange: Exchange, verdict: Verdict, about: About): AuditEvent {
  const { client, endpoint } = exchange;
  const { ref, decision, denial, policyVersion } = verdict;
  const { spelled, sent, ended } = about;
  const ruled = denial ? 'deny' : (decision?.effect ?? (about.unknown ? 'hide' : undefined));
  // What never reached its upstream although it was allowed was turned away for another reason: a limit, a removed server.
  const turnedAway = ruled === undefined || ruled === 'allow' ? 'refused' : 'denied';
  return {
    event: sent ? 'call' : turnedAway,
    requestId: exchange.id,
    principal: exchange.principal,
    client: { name: client.name, version: client.clientVersion },
    remoteAddress: exchange.remoteAddress,
    endpoint: endpointPath(endpoint),
    method: about.method,
    server: ref?.server,
    object: ref?.name ?? spelled,
    exposed: ref && canonicalName(ref) !== spelled ? spelled : undefined,
    decision: ruled,
    rule: denial ? `policy:${denial.policy}` : decision?.rule,
    reason: denial?.reason,
    policyVersion: ruled === undefined ? undefined : policyVersion,
    outcome: sent && ended ? outcomeOf(ended, verdict.failed) : 'refused',
    code: ended && codeOf(ended),
    durationMs: about.durationMs,
    arguments: about.arguments,
  };
}

function outcomeOf(ended: Ended, failed: boolean | undefined): AuditEvent['outcome'] {
  if (ended instanceof GatewayError) return 'error';
  return ended.kind === 'result' && (failed ?? isError(ended)) ? 'tool_error' : ended.kind;
}

function codeOf(ended: Ended): string | undefined {
  if (ended instanceof GatewayError) return ended.code;
  return ended.kind === 'error' ? String(ended.code) : undefined;
}

/** By the member that the method goes by: any other is the client's own, who may not choose what the audit calls it. */
function spelledName({ method, params }: RequestMessage): string | undefined {
  if (method === 'completion/complete') {
    const ref = params?.get('ref');
    return ref?.get(ref.get('type')?.string() === 'ref/prompt' ? 'name' : 'uri')?.string();
  }
  return params?.get(method.startsWith('resources/') ? 'uri' : 'name')?.string();
}

function argumentsOf({ method, params }: RequestMessage): JsonSpan | undefined {
  return params?.get(method === 'completion/complete' ? 'argument' : 'arguments');
}
