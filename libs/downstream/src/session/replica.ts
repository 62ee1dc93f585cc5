import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { GatewayError } from '#libs/kernel';
import type { SessionClaims } from './claims.js';

/** This process among those that share a session key. Random, so that a restarted one is not taken for its predecessor. */
@Injectable()
export class Replica {
  readonly id = randomBytes(4).toString('hex');
  readonly startedAt = Date.now();

  /**
   * Whether another process holds what changes in a session. One that was made before this process started is taken
   * over: most likely its maker was restarted as this one.
   */
  isElsewhere({ home, issuedAt }: Pick<SessionClaims, 'home' | 'issuedAt'>): boolean {
    return home !== this.id && issuedAt > this.startedAt;
  }
}

/** Something that only the process that holds a session's state could do. */
export function heldElsewhere(what: string): GatewayError {
  return new GatewayError(
    'REPLICA_STATE',
    `${what} needs the gateway process this session was made at; route a session's requests to one process`,
  );
}
