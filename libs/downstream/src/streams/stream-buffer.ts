import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { FrontLog } from '../http/front-log.js';
import { FrontPolicy } from '../http/front-policy.js';

/** Whether more may be written to a response. */
export interface Room {
  /** False while it has more unread than its client may leave. */
  hasRoom(response: ServerResponse): boolean;
}

/** What a client that reads slowly may leave in memory. */
@Injectable()
export class StreamBuffer implements Room {
  constructor(
    private readonly policy: FrontPolicy,
    private readonly log: FrontLog,
  ) {}

  hasRoom({ writableLength }: ServerResponse): boolean {
    if (writableLength <= this.policy.limits.stream_buffer) return true;
    this.log.reached('server.limits.stream_buffer');
    return false;
  }
}
