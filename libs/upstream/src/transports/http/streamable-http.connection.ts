import { type Due, GatewayError, Roster } from '#libs/kernel';
import type {
  Connection,
  ConnectionStatus,
  ConnectOptions,
  OutboundRequest,
  ReplySink,
  RequestHandle,
  UpstreamTarget,
} from '#libs/plugin';
import { deferred } from '../shared/deferred.js';
import { subject } from '../shared/text.js';
import { Call } from './call.js';
import { CredentialedRequest } from './credentialed-request.js';
import { HttpSession } from './http-session.js';
import type { OriginPools } from './pools.js';
import { Postings } from './postings.js';
import { StandingStream, type StreamOwner } from './standing-stream.js';

/** Most requests and postings under way at once on one connection. */
const MAX_OPEN = 4_096;
/** How long the upstream may take to forget a session, in milliseconds. */
const DELETE_TIME = 1_000;

/** One conversation over streamable HTTP: a session where the upstream has such, else just requests. */
export class StreamableHttpConnection implements Connection, StreamOwner {
  readonly attribution = 'request';
  readonly #session: HttpSession;
  readonly #calls = new Roster<Call>();
  readonly #postings = new Postings();
  #stream: StandingStream | undefined;
  /** Why nothing more is sent. Made for those who are told: taking its trace costs more than ending a session. */
  #ended: (() => GatewayError) | undefined;
  #closing: Promise<void> | undefined;

  constructor(target: UpstreamTarget, pools: OriginPools, options: ConnectOptions) {
    this.#session = new HttpSession(target, pools, options);
  }

  get sessionId(): string | undefined {
    return this.#session.id;
  }

  send(request: OutboundRequest, sink: ReplySink): RequestHandle {
    const refusal = this.#refusal();
    if (refusal) {
      let wanted = true;
      process.nextTick(() => wanted && sink.onError(refusal));
      return {
        started: false,
        abandon: () => {
          wanted = false;
        },
      };
    }
    const call = new Call(this.#session, request, sink, this.#calls);
    call.start();
    return call;
  }

  post(message: Buffer): Promise<void> {
    const refusal = this.#refusal();
    return refusal ? Promise.reject(refusal) : this.#postings.post(this.#session, message).done;
  }

  setProtocolVersion(version: string): void {
    this.#session.version = version;
  }

  listen(): void {
    if (this.#ended || this.#stream) return;
    this.#stream = new StandingStream(this.#session, this);
    this.#stream.open();
  }

  streamLost(error: GatewayError): void {
    if (this.#ended) return;
    const ended = new GatewayError('UPSTREAM_DISCONNECTED', error.message, { data: error.data });
    this.#end(() => ended);
    this.#postings.cancel(ended);
    this.#session.listener.onClose(error);
  }

  status(): ConnectionStatus {
    return {};
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended) return;
    const ended = () => {
      const text = `${subject(this.#session.target)} was disconnected by the gateway`;
      return new GatewayError('UPSTREAM_DISCONNECTED', text);
    };
    this.#end(ended);
    if (this.#postings.size > 0) await this.#postings.flush(ended);
    if (this.#session.id !== undefined) await new Deletion(this.#session).done;
  }

  #end(ended: () => GatewayError): void {
    if (this.#ended) return;
    this.#ended = ended;
    this.#stream?.stop();
    if (this.#calls.size === 0) return;
    const error = ended();
    for (const call of this.#calls.all()) {
      this.#calls.remove(call);
      call.cancel(error);
    }
  }

  #refusal(): GatewayError | undefined {
    if (this.#ended) return new GatewayError('UPSTREAM_DISCONNECTED', this.#ended().message, { notExecuted: true });
    if (this.#calls.size + this.#postings.size < MAX_OPEN) return undefined;
    const text = `${subject(this.#session.target)} has ${MAX_OPEN} unanswered requests; try again later`;
    return new GatewayError('UPSTREAM_BUSY', text, { notExecuted: true });
  }
}

/** Tells the upstream that the session is over. Its answer does not matter, and it has little time for it. */
class Deletion extends CredentialedRequest implements Due {
  seat = -1;
  due = 0;
  readonly #answered = deferred<void>();

  constructor(session: HttpSession) {
    super(session);
    const { clock, control: lane } = session.pools;
    clock.set(this, performance.now() + DELETE_TIME);
    this.send({ lane, method: 'DELETE', path: session.path, own: session.ownHeaders() });
  }

  get done(): Promise<void> {
    return this.#answered.promise;
  }

  onDue(): void {
    this.abort();
    this.#answered.resolve();
  }

  protected onNoCredential(): void {
    this.onDone();
  }

  protected onAnswer(): void {}

  protected onBody(): void {}

  protected onDone(): void {
    this.session.pools.clock.cancel(this);
    this.#answered.resolve();
  }

  protected onFailed(): void {
    this.onDone();
  }
}
