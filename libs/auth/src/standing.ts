import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { AuthOutcome, Credentials } from '#libs/plugin';
import { AuthChain } from './auth-chain.js';
import { credentialsOf } from './credentials-of.js';
import { principalOf } from './principal-of.js';

/**
 * How the sender of an open request stands today. `good`: would be let in as the same principal; `expiresAt` in milliseconds
 * since the epoch. `gone`: would not. `unknown`: nobody can tell at the moment.
 */
export type Standing =
  | { readonly kind: 'good'; readonly expiresAt: number | undefined }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown' };

/** What is kept of a request so that its sender can be judged again. */
export interface Sender {
  readonly credentials: Credentials;
  /** The principal it was let in as. */
  readonly key: string;
}

export function senderOf(request: IncomingMessage): Sender {
  return { credentials: credentialsOf(request), key: principalOf(request).key };
}

/** Asks again whether a request that is open for long would still be let in: streams never stand in for a credential. */
@Injectable()
export class Standings {
  constructor(private readonly chain: AuthChain) {}

  /** Never throws. */
  async of({ credentials, key }: Sender): Promise<Standing> {
    return judge(await this.chain.authenticate(credentials), key);
  }
}

function judge(outcome: AuthOutcome, key: string): Standing {
  switch (outcome.kind) {
    case 'ok':
      return outcome.principal.key === key
        ? { kind: 'good', expiresAt: outcome.principal.expiresAt }
        : { kind: 'gone' };
    case 'unavailable':
      return { kind: 'unknown' };
    default:
      return { kind: 'gone' };
  }
}
