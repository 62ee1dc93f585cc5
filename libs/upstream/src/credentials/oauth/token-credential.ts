import { Inject, Optional } from '@nestjs/common';
import { EgressClient } from '#libs/egress';
import { UpstreamCredential } from '#libs/plugin';
import { TokenCache } from './token-cache.js';

/** A credential whose tokens come from an authorization server, which is only ever asked through the guard on the way out. */
export abstract class TokenCredential extends UpstreamCredential {
  constructor(
    @Inject(EgressClient) protected readonly egress: EgressClient,
    @Optional() @Inject(TokenCache) protected readonly cache: TokenCache = new TokenCache(),
  ) {
    super();
  }
}
