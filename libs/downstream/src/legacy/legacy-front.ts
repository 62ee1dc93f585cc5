import { Injectable } from '@nestjs/common';
import { GatewayError } from '#libs/kernel';
import { type BatchMessage, type NotificationMessage, type RequestMessage, type ResponseMessage } from '#libs/mcp';
import { McpProxy } from '#libs/proxy';
import { checkLegacyVersion, versionHeader } from '../era.js';
import { EraFront, type Inbound, type InboundPost } from '../front.js';
import { sendEmpty } from '../http/answers.js';
import { FrontPolicy } from '../http/front-policy.js';
import type { SessionOverlay } from '../session/overlay.js';
import { heldElsewhere } from '../session/replica.js';
import { sessionHeader } from '../session/session-header.js';
import type { OpenedSession } from '../session/session-opener.js';
import { Sessions } from '../session/sessions.js';
import { Leases } from '../streams/leases.js';
import { PostReply } from '../streams/post-reply.js';
import { StreamLimits } from '../streams/stream-limits.js';
import { StreamRegistry } from '../streams/stream-registry.js';
import { Initializer } from './initializer.js';
import { RequestRunner } from './request-runner.js';
import { SessionStream, type StreamServices } from './session-stream.js';

/** Legacy clients (2024-11-05 to 2025-11-25): sessions, streams and the JSON-RPC traffic on them. */
@Injectable()
export class LegacyFront extends EraFront {
  readonly #services: StreamServices;

  constructor(
    private readonly sessions: Sessions,
    private readonly initializer: Initializer,
    private readonly runner: RequestRunner,
    private readonly proxy: McpProxy,
    private readonly registry: StreamRegistry,
    private readonly leases: Leases,
    limits: StreamLimits,
    policy: FrontPolicy,
  ) {
    super();
    this.#services = { proxy, registry, limits, policy };
  }

  post(inbound: InboundPost): void | Promise<void> {
    const { message } = inbound;
    checkLegacyVersion(versionHeader(inbound.request));
    if (message.kind === 'request' && message.method === 'initialize') {
      return this.initializer.initialize(inbound, message);
    }
    if (message.kind === 'batch') return this.#batch(inbound, message);
    const overlay = this.sessions.touch(this.#open(inbound), inbound);
    switch (message.kind) {
      case 'request': {
        this.runner.run(inbound, overlay, message, new PostReply(inbound.response, inbound.accepted, this.registry));
        return;
      }
      case 'notification':
        this.#notified(overlay, message);
        break;
      case 'response':
        this.#answered(overlay, message);
        break;
    }
    sendEmpty(inbound.response, 202);
  }

  /** Opens a standalone stream. @throws GatewayError */
  get(inbound: Inbound): void {
    checkLegacyVersion(versionHeader(inbound.request));
    const opened = this.#open(inbound);
    const owner = this.sessions.ownerOf(inbound);
    this.#services.limits.take(owner);
    let overlay: SessionOverlay;
    try {
      overlay = this.sessions.touch(opened, inbound);
    } catch (thrown) {
      this.#services.limits.release(owner);
      throw thrown;
    }
    const stream = new SessionStream(inbound.response, this.#services, { overlay, session: opened.session, owner });
    stream.hold(this.leases.take(inbound, stream));
    this.registry.addStream(stream);
    overlay.addStream(stream);
    if (this.registry.draining) stream.end();
  }

  /** Ends the session. @throws GatewayError */
  delete(inbound: Inbound): void {
    checkLegacyVersion(versionHeader(inbound.request));
    this.sessions.revoke(this.#open(inbound));
    sendEmpty(inbound.response, 204);
  }

  #batch(inbound: InboundPost, batch: BatchMessage): void {
    if (inbound.request.headers['mcp-session-id'] === undefined) throw batchNotAllowed();
    const opened = this.#open(inbound);
    if (opened.session.client.version !== '2025-03-26') throw batchNotAllowed();
    const overlay = this.sessions.touch(opened, inbound);
    const requests: (RequestMessage | GatewayError)[] = [];
    for (const item of batch.items) {
      if (item instanceof GatewayError || item.kind === 'request') requests.push(item);
      else this.#take(overlay, item);
    }
    if (requests.length === 0) {
      sendEmpty(inbound.response, 202);
      return;
    }
    const parts = { batch: true, requests: requests.length };
    const reply = new PostReply(inbound.response, inbound.accepted, this.registry, parts);
    for (const request of requests) {
      if (request instanceof GatewayError) this.runner.refuse(inbound, request, reply);
      else this.runner.run(inbound, overlay, request, reply);
    }
  }

  #take(overlay: SessionOverlay, message: NotificationMessage | ResponseMessage): void {
    if (message.kind === 'response') this.#answered(overlay, message);
    else this.#notified(overlay, message);
  }

  /** @throws GatewayError REPLICA_STATE; an answer nobody waits for any more is dropped */
  #answered(overlay: SessionOverlay, message: ResponseMessage): void {
    const { asks } = overlay;
    if (!asks.answer(message) && asks.isForeign(message)) throw heldElsewhere('Answering this question');
  }

  #notified(overlay: SessionOverlay, message: NotificationMessage): void {
    switch (message.method) {
      case 'notifications/initialized':
        break;
      case 'notifications/cancelled': {
        const requestId = message.params?.get('requestId')?.raw().toString();
        if (requestId === undefined || this.runner.cancel(overlay, requestId)) break;
        if (overlay.session.elsewhere) throw heldElsewhere('Cancelling this request');
        break;
      }
      default:
        this.proxy.notified(overlay.session, message);
    }
  }

  #open(inbound: Inbound): OpenedSession {
    const token = sessionHeader(inbound.request);
    if (token === undefined) {
      throw new GatewayError(
        'SESSION_MISSING',
        'Mcp-Session-Id is missing; send initialize first, it answers with one',
      );
    }
    return this.sessions.open(token, inbound);
  }
}

function batchNotAllowed(): GatewayError {
  return new GatewayError('BATCH_NOT_ALLOWED', 'Batches exist only in sessions of protocol version 2025-03-26');
}
