import { type Ask, ChurnMap, type InputRequest, type Log, messageOf, toGatewayError } from '#libs/kernel';
import { encodeError, encodeResult, errorObject, inOne, type RequestMessage } from '#libs/mcp';
import type { ClientCapabilities } from './capabilities.js';
import { withoutHopMeta } from './params.js';
import type { RunningCall } from './running-call.js';

/** Most questions one upstream session may have open at a time. */
const MAX_OPEN = 64;

interface OpenAsk {
  readonly idJson: string;
  /** Absent for a question to the client session as such. */
  readonly call: RunningCall | undefined;
  readonly ask: Ask;
}

/** What the desk needs of the session it answers for. */
export interface AskPort {
  readonly server: string;
  readonly declared: ClientCapabilities;
  readonly log: Log;
  /** The call a question belongs to; undefined when that cannot be told. */
  attribute(origin: RunningCall | undefined): RunningCall | undefined;
  /** Puts a question to the one client this session serves, outside of any call; undefined when that cannot be done. */
  standing(request: InputRequest): Ask | undefined;
  post(message: Buffer): void;
  /** An elicitation with an id was shown to this client session. */
  elicited(elicitationId: string, client: string): void;
}

/**
 * Requests of an upstream: answered locally, put to the client whose call they belong to, or refused. Answers go back
 * byte for byte under the upstream's own id.
 */
export class AskDesk {
  readonly #open = new ChurnMap<string, OpenAsk>();

  constructor(private readonly port: AskPort) {}

  get size(): number {
    return this.#open.size;
  }

  receive(request: RequestMessage, origin: RunningCall | undefined): void {
    if (request.method === 'ping') {
      this.port.post(encodeResult(request.idJson, '{}'));
      return;
    }
    const refusal = this.#refusal(request);
    if (refusal) {
      this.#refuse(request, refusal.code, refusal.reason);
      return;
    }
    if (this.#open.has(request.idJson)) {
      this.#refuse(request, -32600, 'This request id is in use');
      return;
    }
    if (this.#open.size >= MAX_OPEN) {
      this.#refuse(request, -32603, `More than ${MAX_OPEN} questions are open on this session`);
      return;
    }
    const call = this.port.attribute(origin);
    const sink = call?.request.caller?.sink;
    if (sink) this.#ask(request, (question) => sink.ask(question), call);
    // Roots belong to the client, not to a call: servers ask for them right after the handshake and when they changed.
    else if (request.method === 'roots/list') this.#ask(request, (question) => this.port.standing(question), undefined);
    else this.#unattributed(request);
  }

  #unattributed(request: RequestMessage): void {
    const { log, server } = this.port;
    const { method } = request;
    const fields = { upstream: server, method, code: 'ASK_UNATTRIBUTED' };
    const text = `${server} asked the client (${method}) but it cannot be told whose call it belongs to; refused`;
    // Servers ask for roots by habit and live without; any other question left open is worth a look.
    if (method === 'roots/list') log.debug(fields, text);
    else log.warn(fields, text);
    this.#refuse(request, -32601, 'This request belongs to no single call of a client', { code: 'ASK_UNATTRIBUTED' });
  }

  /** The upstream takes its question back. */
  withdraw(idJson: string, reason: string): void {
    const open = this.#take(idJson);
    open?.ask.withdraw(reason);
  }

  /** The call is over: nobody waits for its questions any more. */
  closeFor(call: RunningCall): void {
    if (this.#open.size === 0) return;
    for (const open of this.#open.values()) {
      if (open.call !== call) continue;
      this.#take(open.idJson);
      open.ask.withdraw('The call that asked has ended');
      this.port.post(encodeError(open.idJson, errorObject(-32603, 'The call this question belongs to has ended')));
    }
  }

  /** The session is over: answers to what belongs to no call have nowhere to go. */
  closeStanding(): void {
    for (const open of this.#open.values()) {
      if (open.call) continue;
      this.#take(open.idJson);
      open.ask.withdraw('The server that asked is gone');
    }
  }

  #refusal(request: RequestMessage): { code: number; reason: string } | undefined {
    const { declared } = this.port;
    switch (request.method) {
      case 'elicitation/create': {
        if (!declared.elicitationForm && !declared.elicitationUrl) return undeclared('elicitation');
        const mode = request.params?.get('mode')?.string() ?? 'form';
        const allowed = mode === 'form' ? declared.elicitationForm : mode === 'url' && declared.elicitationUrl;
        return allowed ? undefined : { code: -32602, reason: `The client did not declare this elicitation mode` };
      }
      case 'sampling/createMessage': {
        if (!declared.sampling) return undeclared('sampling');
        const tools = request.params?.get('tools') ?? request.params?.get('toolChoice');
        if (tools && !declared.samplingTools)
          return { code: -32602, reason: 'The client did not declare sampling.tools' };
        return undefined;
      }
      case 'roots/list':
        return declared.roots ? undefined : undeclared('roots');
      default:
        return { code: -32601, reason: 'Method not found' };
    }
  }

  #ask(request: RequestMessage, put: (question: InputRequest) => Ask | undefined, call: RunningCall | undefined): void {
    const { server } = this.port;
    let ask: Ask | undefined;
    try {
      ask = put({
        method: request.method,
        params: request.params && withoutHopMeta(request.params),
        server,
      });
    } catch (thrown) {
      this.#answerFailed(request.idJson, thrown);
      return;
    }
    if (!ask) {
      this.#unattributed(request);
      return;
    }
    this.#open.set(request.idJson, { idJson: request.idJson, call, ask });
    call?.questionOpened();
    const elicitationId = request.params?.get('elicitationId')?.string();
    if (elicitationId !== undefined && call?.client !== undefined) this.port.elicited(elicitationId, call.client);
    ask.answer.then(
      (outcome) => {
        if (!this.#take(request.idJson, ask)) return;
        this.port.post(
          outcome.kind === 'result'
            ? inOne(encodeResult(request.idJson, outcome.result))
            : encodeError(request.idJson, outcome.error),
        );
      },
      (thrown: unknown) => {
        if (this.#take(request.idJson, ask)) this.#answerFailed(request.idJson, thrown);
      },
    );
  }

  /** `ask` guards against a later question that reuses the id. */
  #take(idJson: string, ask?: Ask): OpenAsk | undefined {
    const open = this.#open.get(idJson);
    if (!open || (ask && open.ask !== ask)) return undefined;
    this.#open.delete(idJson);
    open.call?.questionClosed();
    return open;
  }

  #answerFailed(idJson: string, thrown: unknown): void {
    const error = toGatewayError(thrown);
    this.port.log.info(
      { upstream: this.port.server, code: error.code, reason: messageOf(thrown) },
      `A question of ${this.port.server} was not answered: ${messageOf(thrown)}`,
    );
    this.port.post(encodeError(idJson, errorObject(error.entry.rpc, error.message, { code: error.code })));
  }

  #refuse(request: RequestMessage, code: number, reason: string, data?: object): void {
    this.port.post(encodeError(request.idJson, errorObject(code, reason, data)));
  }
}

function undeclared(capability: string): { code: number; reason: string } {
  return { code: -32601, reason: `The client did not declare ${capability}` };
}
