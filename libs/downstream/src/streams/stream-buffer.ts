import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { FrontLog } from '../http/front-log.js';
import { FrontPolicy } from '../http/front-policy.js';
import { HeldBytes } from '../http/held-bytes.js';
import type { Outlet } from '../http/outlet.js';

/** Whether more may be written to a response. */
export interface Room {
  /** False while it has more unread than its client may leave. */
  hasRoom(response: Pick<Outlet, 'writableLength'>): boolean;
}

/** What is written to clients, as far as it lies in memory. */
export interface Buffers extends Room {
  /** The last of a response was written: what is left of it lies there until its client reads it. */
  unread(response: ServerResponse): void;
}

/** What a client that reads slowly may leave in memory. */
@Injectable()
export class StreamBuffer implements Buffers {
  constructor(
    private readonly policy: FrontPolicy,
    private readonly log: FrontLog,
    private readonly held: HeldBytes,
  ) {}

  hasRoom({ writableLength }: Pick<Outlet, 'writableLength'>): boolean {
    if (writableLength <= this.policy.limits.stream_buffer) return true;
    this.log.reached('server.limits.stream_buffer');
    return false;
  }

  unread(response: ServerResponse): void {
    this.held.hold(response, response.writableLength);
  }
}
