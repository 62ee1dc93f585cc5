import { ANONYMOUS } from '#libs/kernel';
import type { Authenticator, AuthOutcome } from '#libs/plugin';

const OK: AuthOutcome = { kind: 'ok', principal: ANONYMOUS };

/** Everybody is nobody in particular: the only answer while no authentication is configured, and never another time. */
export class Anonymous implements Authenticator {
  authenticate(): AuthOutcome {
    return OK;
  }
}
