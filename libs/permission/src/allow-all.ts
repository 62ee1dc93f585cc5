import { Injectable } from '@nestjs/common';
import { Decide } from '#libs/plugin';

/** Everybody may see and use everything: the decision while no permissions are configured. */
@Injectable()
export class AllowAll extends Decide {
  readonly policyVersion = 0;

  allows(): boolean {
    return true;
  }
}
