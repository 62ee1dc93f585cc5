import {
  AbortSource,
  ANONYMOUS,
  type Answer,
  type Ask,
  type ClientSession,
  type Exchange,
  GatewayError,
  type InputRequest,
  type Outcome,
  type Principal,
} from '#libs/kernel';
import { Draft } from '#libs/mcp';
import type { CallSink, UpstreamCall } from '../contract.js';

type Json = Record<string, unknown>;

export interface CallerOptions {
  readonly session?: string;
  readonly principal?: Principal;
  readonly capabilities?: Json;
  readonly traceparent?: string;
  /** Legacy when absent. */
  readonly era?: 'legacy' | 'modern';
  readonly logLevel?: string;
}

let exchanges = 0;
const sessions = new Map<string, ClientSession>();

/** An exchange of a client; `abort` cancels it. */
export function exchangeOf(options: CallerOptions = {}): Exchange & { abort(text?: string): void } {
  const source = new AbortSource();
  const principal = options.principal ?? ANONYMOUS;
  const client = {
    era: options.era ?? ('legacy' as const),
    version: options.era === 'modern' ? '2026-07-28' : '2025-11-25',
    name: 'test',
    clientVersion: '1',
    capabilities: options.capabilities ?? {},
  };
  const endpoint = { kind: 'aggregate' as const };
  const spelling = { separator: ':', maxLength: 128 };
  let session: ClientSession | undefined;
  if (options.session !== undefined) {
    const key = `${options.session} ${principal.key} ${JSON.stringify(client.capabilities)}`;
    session = sessions.get(key) ?? { id: options.session, principal, endpoint, client, spelling, elsewhere: false };
    sessions.set(key, session);
  }
  return {
    id: `exchange-${++exchanges}`,
    principal,
    client: session?.client ?? client,
    endpoint,
    spelling,
    remoteAddress: '127.0.0.1',
    headers: {},
    ...(session ? { session } : {}),
    ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
    notify() {},
    ask() {
      throw new Error('asks travel through the sink');
    },
    get aborted() {
      return source.aborted;
    },
    get signal() {
      return source.signal;
    },
    onAbort: (listener) => source.onAbort(listener),
    abort: (text = 'client cancelled') => source.abort(new GatewayError('CANCELLED', text)),
  };
}

/** Records what reaches a caller, and answers questions with what the test says. */
export class RecordingSink implements CallSink {
  readonly progressed: Json[] = [];
  readonly logs: Json[] = [];
  readonly asked: { method: string; params: Json; server: string }[] = [];
  readonly withdrawn: string[] = [];
  /** Pending answers, in order. */
  readonly answers: { resolve: (outcome: Answer) => void; reject: (error: unknown) => void }[] = [];
  /** Answers at once when set. */
  answer: ((request: InputRequest) => Json | Promise<Json>) | undefined;
  #waiting: (() => void)[] = [];

  progress(params: Buffer): void {
    this.progressed.push(JSON.parse(params.toString()) as Json);
    this.#wake();
  }

  log(params: Buffer): void {
    this.logs.push(JSON.parse(params.toString()) as Json);
    this.#wake();
  }

  ask(request: InputRequest): Ask {
    this.asked.push({
      method: request.method,
      params: JSON.parse((request.params ?? Buffer.from('{}')).toString()) as Json,
      server: request.server,
    });
    const answer = new Promise<Answer>((resolve, reject) => {
      this.answers.push({ resolve, reject });
      if (this.answer) Promise.resolve(this.answer(request)).then((result) => resolve(resultOf(result)), reject);
    });
    answer.catch(() => {});
    this.#wake();
    return { answer, withdraw: (reason) => this.withdrawn.push(reason) };
  }

  async until(ready: () => boolean): Promise<void> {
    while (!ready()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export function resultOf(result: Json): Answer {
  return { kind: 'result', result: Buffer.from(JSON.stringify(result)) };
}

export function callOf(method: string, params?: Json, options: Partial<UpstreamCall> = {}): UpstreamCall {
  return {
    method,
    ...(params ? { params: Draft.of(Buffer.from(JSON.stringify(params))) } : {}),
    wantsProgress: true,
    subject: method,
    repeatable: false,
    solo: !(options.repeatable ?? false),
    ...options,
  };
}

export function toolCall(name: string, args: Json = {}, options: Partial<UpstreamCall> = {}): UpstreamCall {
  return callOf('tools/call', { name, arguments: args }, { subject: `tool ${name}`, ...options });
}

export function jsonOf(outcome: Outcome): Json {
  return JSON.parse((outcome.kind === 'error' ? outcome.error : outcome.result).toString()) as Json;
}
