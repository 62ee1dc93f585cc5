import type { GatewayError } from '#libs/kernel';
import { type Buffers, encodeNotification, inOne } from '#libs/mcp';
import type { OutboundRequest, RequestCaller } from '#libs/plugin';

/** A request as its transport gets it: whole, or in the pieces it was put together from. */
export class Outbound implements OutboundRequest {
  #message: Buffers;

  constructor(
    readonly id: number,
    readonly method: string,
    message: Buffers,
    readonly headers: Readonly<Record<string, string>> | undefined,
    readonly caller: RequestCaller | undefined,
  ) {
    this.#message = message;
  }

  get body(): Buffer {
    const whole = inOne(this.#message);
    this.#message = whole;
    return whole;
  }

  get pieces(): readonly Buffer[] | undefined {
    return Buffer.isBuffer(this.#message) ? undefined : this.#message;
  }
}

/** The notification that a request is cancelled, and why. */
export function encodeCancelled({ id }: Pick<OutboundRequest, 'id'>, { message }: GatewayError): Buffer {
  const reason = JSON.stringify(message.slice(0, 500));
  return encodeNotification('notifications/cancelled', `{"requestId":${id},"reason":${reason}}`);
}
