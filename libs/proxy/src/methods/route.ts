import type { View } from '#libs/catalogue';
import {
  canonicalName,
  type Exchange,
  GatewayError,
  type ObjectRef,
  type Outcome,
  type Resumption,
  toGatewayError,
} from '#libs/kernel';
import { Draft, JsonView, type ParamHeader, paramHeaderValues } from '#libs/mcp';
import type { UpstreamCall } from '#libs/upstream';
import type { Judged, PolicyChain } from '../policies/policy-chain.js';
import { CallProgress } from '../progress/call-progress.js';
import { authorize } from './authorize.js';
import { type Desk, type Request, upstreamOf, wantsLog } from './context.js';
import { deliver } from './deliver.js';
import type { DeliverOptions } from './delivery.js';
import { progressTokenOf } from './params.js';
import { CallerSink, type SinkSettings } from './sink.js';

/** Where a request goes, in that upstream's terms. */
export interface Route extends DeliverOptions {
  /** What the request is about; it has been authorized. */
  readonly ref: ObjectRef;
  /** Answers as to a name nobody knows, should the caller's permission be gone when the upstream has answered. */
  readonly unknown: () => Outcome;
  readonly params: Draft;
  /** What error texts call it, e.g. `tool echo`. */
  readonly subject: string;
  /** Running it twice does no harm. */
  readonly repeatable: boolean;
  /** It may ask its client something. */
  readonly solo: boolean;
  /** Headers a tool declares for arguments of its own. */
  readonly declaredHeaders?: ReadonlyMap<string, ParamHeader> | undefined;
  /** What the gateway has of the upstream's answer already; nothing is sent then. */
  readonly kept?: Outcome | undefined;
  /** Sees the upstream's own answer. */
  readonly keep?: ((outcome: Outcome) => void) | undefined;
}

/** Methods of which an upstream may answer `input_required` (M:mrtr). */
const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/**
 * Sends a request to its upstream, within the limits on what it is about, and gives the outcome in the caller's terms, if
 * policies and permissions of that moment let it have it.
 */
export function route(desk: Desk, request: Request, to: Route): Promise<Outcome> | Outcome {
  const limited = request.permit?.use(to.ref);
  return limited ? limited.then(() => permittedRoute(desk, request, to)) : permittedRoute(desk, request, to);
}

function permittedRoute(desk: Desk, request: Request, to: Route): Promise<Outcome> | Outcome {
  if (desk.policies) return judgedRoute(desk.policies, desk, request, to);
  const fetched = fetch(desk, request, to);
  if (fetched instanceof Promise) return fetched.then((outcome) => handOver(desk, request, to, keep(to, outcome)));
  return handOver(desk, request, to, keep(to, fetched));
}

async function judgedRoute(policies: PolicyChain, desk: Desk, request: Request, to: Route): Promise<Outcome> {
  const judged = judgedOf(request, to.ref);
  const began = performance.now();
  const asked = to.params.bytes;
  const params = await policies.before(judged, asked);
  const spent = performance.now() - began - judged.asked;
  // Policies take their time, in which the permission may have gone.
  if (!authorize(desk, request, to.ref)) return to.unknown();
  // What a policy has a hand in is nobody else's.
  const own = params === asked ? to : { ...to, params: Draft.of(params), kept: undefined, keep: undefined };
  const outcome = keep(own, await fetch(desk, request, own, spent));
  return handOver(desk, request, to, await policies.after(judged, params, outcome).catch(afterwards));
}

/** What a policy refuses to hand over was done all the same. */
function afterwards(thrown: unknown): never {
  const { cause, code, data, message } = toGatewayError(thrown);
  throw new GatewayError(code, message, { data: { ...data, mayHaveExecuted: true }, cause });
}

export function judgedOf({ exchange, message, verdict }: Request, object: ObjectRef): Judged {
  return { exchange, verdict, object, method: message.method as Judged['method'], asked: 0 };
}

function fetch(desk: Desk, request: Request, to: Route, spent = 0): Outcome | Promise<Outcome> {
  const { exchange, message, verdict } = request;
  const { declaredHeaders } = to;
  const { server } = to.ref;
  const { method } = message;
  const resumption = resumptionFor(exchange, server);
  const upstream = upstreamOf(desk, server);
  verdict.sent = true;
  if (to.kept) return to.kept;
  const watched = new Watched(desk, request, to.ref);
  const { progress } = watched;
  const call: UpstreamCall = {
    method,
    params: to.params,
    subject: to.subject,
    wantsProgress: progress !== undefined,
    repeatable: to.repeatable && !resumption,
    solo: to.solo,
    spent,
    relaysInput: exchange.client.era === 'modern' && MAY_ASK.has(method),
    resumption,
    paramHeaders: declaredHeaders && paramHeaderValues(JsonView.of(to.params.bytes).get('arguments'), declaredHeaders),
  };
  const outcome = upstream.send(call, exchange, new CallerSink(watched));
  return progress ? desk.heartbeats.during(progress, outcome) : outcome;
}

/** A call at its upstream, as far as what comes back for it is concerned. */
class Watched implements SinkSettings {
  readonly progress: CallProgress | undefined;

  constructor(
    private readonly desk: Desk,
    private readonly request: Request,
    private readonly ref: ObjectRef,
  ) {
    const { exchange, message } = request;
    const token = progressTokenOf(message.params);
    this.progress =
      token && new CallProgress({ exchange, token, subject: shown(ref), permitted: () => this.permitted() });
  }

  get exchange(): Exchange {
    return this.request.exchange;
  }

  get view(): View {
    return this.request.view;
  }

  get server(): string {
    return this.ref.server;
  }

  wantsLog(params: Buffer): boolean {
    return wantsLog(this.desk, this.request.exchange, params);
  }

  permitted(): boolean {
    return this.desk.catalogue.decide(this.request.exchange.principal, this.ref).effect === 'allow';
  }
}

/** What a call waits for, in a message for people: URIs are the upstream's own and stay with it. */
function shown(ref: ObjectRef): string {
  return ref.kind === 'tool' || ref.kind === 'prompt' ? canonicalName(ref) : ref.server;
}

function keep(to: Route, outcome: Outcome): Outcome {
  if (!to.kept) to.keep?.(outcome);
  return outcome;
}

function handOver(desk: Desk, request: Request, to: Route, outcome: Outcome): Outcome {
  if (!authorize(desk, request, to.ref)) return to.unknown();
  return deliver(desk, request, to.ref.server, outcome, to);
}

/** @throws GatewayError STATE_INVALID when the state came from another upstream than the one this request goes to */
function resumptionFor({ resumption }: Exchange, server: string): Resumption | undefined {
  if (resumption?.server === undefined || resumption.server === server) return resumption;
  throw new GatewayError('STATE_INVALID', 'requestState is not valid for this request; start over without it');
}
