import { Injectable } from '@nestjs/common';
import { GatewayError } from '#libs/kernel';
import { EraFront, type InboundPost } from '../front.js';
import { sendEmpty } from '../http/answers.js';
import { CallDesk } from './call-desk.js';
import { ClientFaults } from './client-faults.js';
import { ClientHops } from './client-hops.js';
import { type Reading, readModern } from './envelope.js';
import { ListenDesk } from './listen-desk.js';

/** Modern clients (2026-07-28): no sessions, every request speaks for itself. */
@Injectable()
export class ModernFront extends EraFront {
  readonly #reading: Reading;

  constructor(
    faults: ClientFaults,
    private readonly calls: CallDesk,
    private readonly listens: ListenDesk,
  ) {
    super();
    this.#reading = { hops: new ClientHops(), tolerates: (client, fault) => faults.tolerates(client, fault) };
  }

  post(inbound: InboundPost): void | Promise<void> {
    const { message } = inbound;
    switch (message.kind) {
      case 'request': {
        const request = readModern(inbound.request, message, this.#reading);
        if (message.method === 'subscriptions/listen') return this.listens.open(inbound, request);
        return this.calls.run(inbound, request);
      }
      // None is defined that would concern a gateway; clients of several revisions send those they know (M:http).
      case 'notification':
        return sendEmpty(inbound.response, 202);
      case 'response':
        throw new GatewayError('INVALID_REQUEST', 'Nothing was asked: answers travel in params.inputResponses');
      case 'batch':
        throw new GatewayError('BATCH_NOT_ALLOWED', 'A body holds one message in this protocol version');
    }
  }
}
