import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
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

  /** @throws GatewayError BODY_TOO_LARGE, BODY_INCOMPLETE */
  async body(request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer> {
    let arrived = 0;
    this.#arriving++;
    try {
      const body = await readBody(request, limit, (bytes) => {
        arrived += bytes;
        this.held.add(bytes);
      });
      this.held.hold(response, body.length);
      return body;
    } finally {
      this.held.add(-arrived);
      this.#arriving--;
    }
  }
}
