import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { GatewayError } from '#libs/kernel';
import { StreamRegistry } from '../streams/stream-registry.js';
import { HeldBytes } from './held-bytes.js';
import { readBody } from './read-body.js';

/** Requests this process is busy with: those whose bodies are still arriving, and those that wait for their answer. */
@Injectable()
export class RequestsInFlight {
  #arriving = 0;

  constructor(
    private readonly registry: StreamRegistry,
    private readonly held: HeldBytes,
  ) {}

  get count(): number {
    return this.#arriving + this.registry.replies;
  }

  /** What they hold of memory, with answers that nobody has read yet. */
  get bytes(): number {
    return this.held.total;
  }

  /** Requests whose bodies are still arriving. */
  get arriving(): number {
    return this.#arriving;
  }

  /** Reads a request's body; `done` is called once, with it or with BODY_TOO_LARGE or BODY_INCOMPLETE. */
  body(
    request: IncomingMessage,
    response: ServerResponse,
    limit: number,
    done: (body: Buffer | GatewayError) => void,
  ): void {
    this.#arriving++;
    readBody(request, limit, this.held, (body) => {
      this.#arriving--;
      if (Buffer.isBuffer(body)) this.held.hold(response, body.length);
      done(body);
    });
  }
}
