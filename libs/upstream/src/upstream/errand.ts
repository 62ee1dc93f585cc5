import type { Exchange, Outcome, Resumption } from '#libs/kernel';
import type { Draft } from '#libs/mcp';
import type { CallSink, UpstreamCall, UpstreamHandle } from '../contract.js';
import type { Slot } from '../pool/slot.js';
import { Deadline } from '../session/deadline.js';
import type { Caller, SessionRequest } from '../session/upstream-session.js';
import type { ClientDesk } from './client-desk.js';

/** Something to be done on a session of an upstream, on behalf of an exchange. */
export interface Job {
  readonly exchange: Exchange;
  /** What error texts call it. */
  readonly subject: string;
  readonly method?: string;
  readonly params?: Draft | undefined;
  /** Doing it twice does no harm. */
  readonly repeatable: boolean;
  /** It may ask its client something. */
  readonly solo: boolean;
  /** Bounds every wait, the work itself, and its repetition. */
  readonly deadline: Deadline;
  perform(slot: Slot): Promise<Outcome>;
  /** Has another upstream do it. Absent where only this one can. */
  moveTo?(heir: Pick<UpstreamHandle, 'send'>): Promise<Outcome>;
}

/** How long a call may take: in all, and without a sign of life. */
export interface CallLimits {
  readonly timeout: number;
  readonly maxTotal: number;
}

/** A call of a client: one object for whoever runs it, for the session it runs on, and for what it brings back. */
export class Errand implements Job, SessionRequest, Caller {
  readonly method: string;
  readonly params: Draft | undefined;
  readonly subject: string;
  readonly timeout: number;
  readonly maxTotal: number;
  readonly deadline: Deadline;
  readonly caller: Caller = this;
  readonly exchange: Exchange;
  readonly sink: CallSink;
  readonly wantsProgress: boolean;
  readonly solo: boolean;
  readonly logLevel: string | undefined;
  readonly relaysInput: boolean | undefined;
  readonly resumption: Resumption | undefined;
  readonly paramHeaders: Readonly<Record<string, string>> | undefined;
  readonly #call: UpstreamCall;
  /** As it came: what this upstream's desk keeps away is for the next one to judge anew. */
  readonly #given: CallSink;

  constructor(
    call: UpstreamCall,
    exchange: Exchange,
    sink: CallSink,
    desk: Pick<ClientDesk, 'filtered' | 'levelFor'>,
    { timeout, maxTotal }: CallLimits,
  ) {
    this.method = call.method;
    this.params = call.params;
    this.subject = call.subject;
    this.timeout = timeout;
    this.maxTotal = maxTotal;
    this.deadline = new Deadline(maxTotal, call.spent);
    this.exchange = exchange;
    this.sink = desk.filtered(sink, exchange);
    this.wantsProgress = call.wantsProgress;
    this.solo = call.solo;
    this.logLevel = desk.levelFor(exchange);
    this.relaysInput = call.relaysInput;
    this.resumption = call.resumption;
    this.paramHeaders = call.paramHeaders;
    this.#call = call;
    this.#given = sink;
  }

  get repeatable(): boolean {
    return this.#call.repeatable;
  }

  perform(slot: Slot): Promise<Outcome> {
    return slot.session.request(this);
  }

  moveTo(heir: Pick<UpstreamHandle, 'send'>): Promise<Outcome> {
    const { deadline } = this;
    return heir.send({ ...this.#call, spent: deadline.total - deadline.left() }, this.exchange, this.#given);
  }
}
