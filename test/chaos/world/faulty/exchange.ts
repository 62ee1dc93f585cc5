import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Message {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: Record<string, unknown>; readonly _meta?: Meta };
}

interface Meta {
  readonly progressToken?: string | number;
}

/** One request to the faulty upstream, and what would be the right thing to say. */
export interface Exchange {
  readonly message: Message;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** JSON of the right response. */
  readonly right: string;
}

/** What the faulty upstream does with a request. */
export type Behaviour = (exchange: Exchange) => void;

export const honest: Behaviour = ({ response, right }) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(right);
};
