import { GatewayError, type GatewayErrorOptions } from '#libs/kernel';
import type { JsonView } from '../json/view.js';

/** JSON-RPC request id. */
export type Id = string | number;

interface Base {
  /** The message's own bytes. */
  readonly bytes: Buffer;
  readonly view: JsonView;
}

export interface RequestMessage extends Base {
  readonly kind: 'request';
  readonly id: Id;
  /** The id as it was spelled: echoed byte for byte, and the key that tells `1` from `"1"`. */
  readonly idJson: string;
  readonly method: string;
  readonly params?: JsonView;
}

export interface NotificationMessage extends Base {
  readonly kind: 'notification';
  readonly method: string;
  readonly params?: JsonView;
}

export interface ResponseMessage extends Base {
  readonly kind: 'response';
  /** Absent when the sender could not read the request's id (`null` or missing on the wire). */
  readonly id?: Id;
  readonly idJson?: string;
  readonly result?: JsonView;
  readonly error?: JsonView;
}

export type SingleMessage = RequestMessage | NotificationMessage | ResponseMessage;

/** A JSON array, as revision 2025-03-26 allows; each element parsed on its own, faults kept in place. */
export interface BatchMessage {
  readonly kind: 'batch';
  readonly items: readonly (SingleMessage | EnvelopeError)[];
}

export type Message = SingleMessage | BatchMessage;

/** A message that cannot be accepted, with the id to answer to when one could be read. */
export class EnvelopeError extends GatewayError {
  constructor(
    code: 'PARSE_ERROR' | 'INVALID_REQUEST' | 'INVALID_PARAMS',
    message: string,
    readonly idJson: string | undefined,
    options?: GatewayErrorOptions,
  ) {
    super(code, message, options);
  }
}

export interface MessageLimits {
  readonly depth: number;
  readonly nodes: number;
}
