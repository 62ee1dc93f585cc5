import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint, Principal } from '#libs/kernel';
import type { Message } from '#libs/mcp';
import type { Accepted } from './http/post-headers.js';

/** A request that passed the guards, reduced to what an era's front needs. */
export interface Inbound {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly principal: Principal;
  readonly endpoint: Endpoint;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly remoteAddress: string;
}

export interface InboundPost extends Inbound {
  readonly message: Message;
  readonly accepted: Accepted;
}

/** One era's way of answering POSTs. Whatever it throws is answered by the front door, while no answer has begun. */
export abstract class EraFront {
  /** @throws GatewayError */
  abstract post(inbound: InboundPost): void | Promise<void>;
}
