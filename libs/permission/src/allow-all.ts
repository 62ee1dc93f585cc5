import { Injectable } from '@nestjs/common';
import { Decide, type Decision } from '#libs/plugin';

const ALLOW: Decision = { effect: 'allow', rule: 'no permissions are configured' };

/** Everybody may see and use everything: the decision while no permissions are configured. */
@Injectable()
export class AllowAll extends Decide {
  readonly policyVersion = 0;

  decide(): Decision {
    return ALLOW;
  }

  classOf(): string {
    return '';
  }
}
