import { type Exchange, GatewayError, type ObjectRef, type Outcome, type Resumption } from '#libs/kernel';
import { authorize } from './authorize.js';
import { type Desk, logFilter, type Request, upstreamOf } from './context.js';
import { deliver } from './deliver.js';
import type { DeliverOptions } from './delivery.js';
import { progressTokenOf } from './params.js';
import { callSink } from './sink.js';

/** Where a request goes, in that upstream's terms. */
export interface Route extends DeliverOptions {
  /** What the request is about; it has been authorized. */
  readonly ref: ObjectRef;
  /** Answers as to a name nobody knows, should the caller's permission be gone when the upstream has answered. */
  readonly unknown: () => Outcome;
  readonly params: Buffer;
  /** What error texts call it, e.g. `tool echo`. */
  readonly subject: string;
  /** No side effects: may be sent again after a failure. */
  readonly repeatable: boolean;
  readonly paramHeaders?: Readonly<Record<string, string>>;
  /** Sees the upstream's own answer. */
  readonly keep?: (outcome: Outcome) => void;
}

/** Methods of which an upstream may answer `input_required` (M:mrtr). */
const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** Members of params that belong to a modern client's retry and are handed over apart. */
export const RETRY_MEMBERS = ['inputResponses', 'requestState'] as const;

/**
 * Sends a request to its upstream and gives the outcome in the caller's terms, if the policy of that moment lets it have it.
 */
export async function route(desk: Desk, request: Request, to: Route): Promise<Outcome> {
  const { exchange, view, message } = request;
  const { params, subject, paramHeaders } = to;
  const { server } = to.ref;
  const { method } = message;
  const resumption = resumptionFor(exchange, server);
  const progressToken = progressTokenOf(message.params);
  const permitted = () => desk.catalogue.decide(exchange.principal, to.ref).effect === 'allow';
  request.verdict.sent = true;
  const outcome = await upstreamOf(desk, server).send(
    {
      method,
      params,
      subject,
      wantsProgress: progressToken !== undefined,
      repeatable: to.repeatable && !resumption,
      relaysInput: exchange.client.era === 'modern' && MAY_ASK.has(method),
      ...(resumption && { resumption }),
      ...(paramHeaders && { paramHeaders }),
    },
    exchange,
    callSink({ exchange, view, server, progressToken, wantsLog: logFilter(desk, exchange), permitted }),
  );
  to.keep?.(outcome);
  if (!authorize(desk, request, to.ref)) return to.unknown();
  return deliver(desk, request, server, outcome, to);
}

/** @throws GatewayError STATE_INVALID when the state came from another upstream than the one this request goes to */
function resumptionFor({ resumption }: Exchange, server: string): Resumption | undefined {
  if (resumption?.server === undefined || resumption.server === server) return resumption;
  throw new GatewayError('STATE_INVALID', 'requestState is not valid for this request; start over without it');
}
