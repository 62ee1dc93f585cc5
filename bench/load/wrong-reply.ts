import type { Response } from './response.ts';

export type Wrong =
  /** Not the status that was due. */
  | 'status'
  /** A JSON-RPC error, or a tool's. */
  | 'error'
  /** The answer to some other request, or not what was sent. */
  | 'content'
  /** No reply: the connection broke, or nothing came for 30 s. */
  | 'lost';

/** A reply that is not the one that was due. */
export class WrongReply extends Error {
  readonly kind: Wrong;

  constructor(kind: Wrong, message: string) {
    super(message);
    this.kind = kind;
  }

  static from(error: unknown): WrongReply {
    return error instanceof WrongReply ? error : new WrongReply('lost', (error as Error).message);
  }
}

/** @throws WrongReply */
export function expectStatus(response: Response, ...statuses: readonly number[]): void {
  if (statuses.includes(response.status)) return;
  throw new WrongReply('status', `${response.status} instead of ${statuses.join(' or ')}: ${shown(response.body)}`);
}

/** The beginning of a body, for a report. */
export function shown(body: Buffer): string {
  return body.toString('utf8', 0, 300);
}
