import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { StreamRegistry } from '../streams/stream-registry.js';
import { readBody } from './read-body.js';

/** Requests this process is busy with: those whose bodies are still arriving, and those that wait for their answer. */
@Injectable()
export class RequestsInFlight {
  #arriving = 0;

  constructor(private readonly registry: StreamRegistry) {}

  get count(): number {
    return this.#arriving + this.registry.replies;
  }

  /** Requests whose bodies are still arriving. */
  get arriving(): number {
    return this.#arriving;
  }

  /** @throws GatewayError BODY_TOO_LARGE, BODY_INCOMPLETE */
  async body(request: IncomingMessage, limit: number): Promise<Buffer> {
    this.#arriving++;
    try {
      return await readBody(request, limit);
    } finally {
      this.#arriving--;
    }
  }
}
