import { type ChurnMap, GatewayError, type Log, type Outcome, toGatewayError } from '#libs/kernel';
import {
  encodeError,
  errorObject,
  type JsonView,
  logLevelRank,
  MODERN_META,
  type NotificationMessage,
  parseUpstreamMessage,
  type RequestMessage,
  type ResponseMessage,
} from '#libs/mcp';
import { excerpt } from '../../transports/shared/text.js';
import { answeredCall, errorOf, soleCaller } from '../attribution.js';
import { brokenAnswer, noAnswer } from '../failures.js';
import { tellProgress } from '../progress.js';
import type { RunningCall } from '../running-call.js';
import type { ModernCodec } from './codec.js';

/** What reading incoming messages needs of the wire they came on. */
export interface InboundPort {
  readonly server: string;
  readonly log: Log;
  readonly codec: ModernCodec;
  readonly pending: ChurnMap<number, RunningCall>;
  /** Requests are cancelled by closing their response stream: this is HTTP, where nothing can be answered to an upstream. */
  readonly cancelBy: 'stream' | 'notification';
  settle(call: RunningCall, outcome: Outcome): void;
  fail(call: RunningCall, error: GatewayError): void;
  giveUp(call: RunningCall, error: GatewayError): void;
  post(message: Buffer): void;
  /** A notification that is about no call, and the id of the listen request it names. */
  notified(message: NotificationMessage, subscription: number | undefined): void;
}

/**
 * Reads what a modern upstream sends and takes it where it belongs. `origin` is the call on whose own stream a message came:
 * what cannot be read fails that call, and is dropped where there is none.
 */
export function receive(port: InboundPort, bytes: Buffer, origin: RunningCall | undefined): void {
  try {
    const message = parseUpstreamMessage(bytes);
    if (message.kind === 'response') response(port, message, origin);
    else if (message.kind === 'notification') notification(port, message, origin);
    else refuse(port, message);
  } catch (thrown) {
    const { log, server } = port;
    const error = toGatewayError(thrown);
    log.warn({ upstream: server, code: error.code }, `${server}: ${error.message}`);
    log.debug({ upstream: server, text: excerpt(bytes) }, `${server}: this is how it begins`);
    if (origin) port.giveUp(origin, brokenAnswer(server, origin.request, `${server}: ${error.message}`));
  }
}

function response(port: InboundPort, message: ResponseMessage, origin: RunningCall | undefined): void {
  const call = answeredCall(message, origin, port.pending);
  if (!call) return;
  if (message.result) {
    if (message.result.type === 'object') port.settle(call, port.codec.read(message.result, call.request));
    else port.giveUp(call, brokenAnswer(port.server, call.request, `${port.server}: the result is not an object`));
    return;
  }
  const error = errorOf(message);
  if (error) port.settle(call, error);
  else port.fail(call, noAnswer(port.server, call.request));
}

function notification(port: InboundPort, message: NotificationMessage, origin: RunningCall | undefined): void {
  const { params } = message;
  switch (message.method) {
    case 'notifications/progress':
      if (params) tellProgress(params, port.pending);
      return;
    case 'notifications/message':
      if (params) logged(params, origin ?? soleCaller(port.pending));
      return;
    case 'notifications/cancelled':
      cancelled(port, params);
      return;
    default: {
      const named = params?.at('_meta', MODERN_META.subscriptionId)?.value();
      port.notified(message, origin?.id ?? (typeof named === 'number' ? named : undefined));
    }
  }
}

/** Without a wish for log messages there must be none (M:log), and what is too chatty is kept back. */
function logged(params: JsonView, call: RunningCall | undefined): void {
  const caller = call?.request.caller;
  if (!caller?.logLevel) return;
  const rank = logLevelRank(params.get('level')?.string());
  if (rank >= 0 && rank < logLevelRank(caller.logLevel)) return;
  caller.sink.log(params.raw());
  call?.pace();
}

/** On a shared stream a server ends a subscription so (M:cancel). A client's call is not the upstream's to cancel. */
function cancelled(port: InboundPort, params: JsonView | undefined): void {
  const id = params?.get('requestId')?.value();
  const call = typeof id === 'number' ? port.pending.get(id) : undefined;
  if (!call || call.request.caller) return;
  port.fail(call, new GatewayError('UPSTREAM_DISCONNECTED', `${port.server} cancelled it`));
}

/** Modern servers ask by `input_required`; this one does not, and over HTTP there is no way to answer it. */
function refuse(port: InboundPort, { idJson, method }: RequestMessage): void {
  const { cancelBy, log, server } = port;
  const text = `${server} sent a request (${method}), which servers of this revision must not`;
  log.warn({ upstream: server, method }, text);
  if (cancelBy === 'stream') return;
  port.post(encodeError(idJson, errorObject(-32601, 'Servers of this revision send no requests')));
}
