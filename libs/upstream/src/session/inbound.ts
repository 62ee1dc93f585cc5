import { type ChurnMap, GatewayError, type Log, Lru, type Outcome, toGatewayError } from '#libs/kernel';
import { JsonView, type NotificationMessage, parseUpstreamMessage, type ResponseMessage, scan } from '#libs/mcp';
import { idFromEnds, mayBeResponse } from '../transports/shared/ends.js';
import { excerpt } from '../transports/shared/text.js';
import type { AskDesk } from './ask-desk.js';
import { answeredCall, errorOf, soleCaller } from './attribution.js';
import { tellChange } from './changes.js';
import { brokenAnswer, noAnswer } from './failures.js';
import { tellProgress } from './progress.js';
import type { RunningCall } from './running-call.js';
import type { SessionListener } from './upstream-session.js';

/** Broken messages of one session that are shown in the log. */
const SHOWN_FAULTS = 5;
/** Enough of a broken message to find its id. */
const ENDS = 256;

/** What the reader of incoming messages needs of the session it reads for. */
export interface InboundPort {
  readonly server: string;
  readonly log: Log;
  readonly pending: ChurnMap<number, RunningCall>;
  readonly listener: SessionListener;
  /** Made for the first question. */
  readonly desk: AskDesk;
  settle(call: RunningCall, outcome: Outcome, origin: RunningCall | undefined): void;
  fail(call: RunningCall, error: GatewayError): void;
  giveUp(call: RunningCall, error: GatewayError): void;
}

/**
 * Reads what an upstream sends and takes it where it belongs. Responses are found by id, whatever stream they came on;
 * what cannot be placed is dropped. `origin` is the call on whose own stream a message came.
 */
export class Inbound {
  /** Client sessions that were shown an elicitation, by its id. */
  #elicited: Lru<string, string> | undefined;
  #faults = 0;

  constructor(private readonly port: InboundPort) {}

  receive(bytes: Buffer, origin: RunningCall | undefined): void {
    try {
      if (bytes[0] === 0x5b) this.#batch(bytes, origin);
      else this.#message(bytes, origin);
    } catch (thrown) {
      const { server } = this.port;
      const error = toGatewayError(thrown);
      this.#complain(error, bytes);
      const call = origin ?? this.#meantFor(bytes);
      if (call) this.port.giveUp(call, brokenAnswer(server, call.request, `${server}: ${error.message}`));
    }
  }

  #complain(error: GatewayError, bytes: Buffer): void {
    const { log, server } = this.port;
    this.#faults++;
    if (this.#faults > SHOWN_FAULTS) return;
    const more = this.#faults === SHOWN_FAULTS ? '; more of these will not be shown' : '';
    const fields = { upstream: server, code: error.code };
    log.warn(fields, `${server}: ${error.message}${more}`);
    log.debug({ ...fields, text: excerpt(bytes) }, `${server}: this is how it begins`);
  }

  /** The call a broken response was for, where that can be seen: better a clear failure than a wait for the timeout. */
  #meantFor(bytes: Buffer): RunningCall | undefined {
    const head = bytes.subarray(0, ENDS);
    if (!mayBeResponse(head)) return undefined;
    const id = idFromEnds(head, bytes.subarray(-ENDS));
    return id === undefined ? undefined : this.port.pending.get(id);
  }

  /** An elicitation with this id was put to this client session. */
  elicited(elicitationId: string, client: string): void {
    this.#elicited ??= new Lru(1_000);
    this.#elicited.set(elicitationId, client);
  }

  /** Revision 2025-03-26 lets either side send several messages as one array. */
  #batch(bytes: Buffer, origin: RunningCall | undefined): void {
    const view = scan(bytes, { depth: 512, nodes: 5_000_000, uniqueKeys: false });
    if (!(view instanceof JsonView)) throw new GatewayError('UPSTREAM_PROTOCOL', view.reason);
    for (const item of view.items()) this.#message(item.raw(), origin);
  }

  #message(bytes: Buffer, origin: RunningCall | undefined): void {
    const message = parseUpstreamMessage(bytes);
    if (message.kind === 'response') this.#response(message, origin);
    else if (message.kind === 'request') this.port.desk.receive(message, origin);
    else this.#notification(message, origin);
  }

  #response(message: ResponseMessage, origin: RunningCall | undefined): void {
    const call = answeredCall(message, origin, this.port.pending);
    if (!call) return;
    if (message.result?.type === 'object') {
      const { result, view } = message;
      this.port.settle(call, { kind: 'result', result: result.raw(), marks: view.marks }, origin);
      return;
    }
    const error = errorOf(message);
    if (!error) {
      this.port.fail(call, noAnswer(this.port.server, call.request));
      return;
    }
    if (message.error && error.code === -32042) this.#noteElicitations(message.error, call);
    this.port.settle(call, error, origin);
  }

  /** URLElicitationRequired names elicitations whose completion is announced later. */
  #noteElicitations(error: JsonView, call: RunningCall): void {
    for (const item of error.at('data', 'elicitations')?.items() ?? []) {
      const id = item.get('elicitationId')?.string();
      if (id !== undefined && call.client !== undefined) this.elicited(id, call.client);
    }
  }

  #notification(message: NotificationMessage, origin: RunningCall | undefined): void {
    const { listener } = this.port;
    const { method, params } = message;
    switch (method) {
      case 'notifications/progress':
        if (params) tellProgress(params, this.port.pending);
        return;
      case 'notifications/message': {
        if (!params) return;
        const call = origin ?? soleCaller(this.port.pending);
        if (call?.request.caller) {
          call.request.caller.sink.log(params.raw());
          call.pace();
        } else listener.logged(params.raw());
        return;
      }
      case 'notifications/cancelled': {
        const id = params?.get('requestId');
        if (id)
          this.port.desk.withdraw(id.raw().toString(), params?.get('reason')?.string() ?? 'The upstream withdrew it');
        return;
      }
      case 'notifications/elicitation/complete': {
        const id = params?.get('elicitationId')?.string();
        const client = id === undefined ? undefined : this.#elicited?.get(id);
        if (params) listener.elicitationCompleted(params.raw(), client ?? origin?.client);
        return;
      }
      default:
        tellChange(message, listener);
    }
  }
}
