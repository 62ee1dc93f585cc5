import { ANONYMOUS } from '#libs/kernel';
import { type AuthOutcome, AuthProvider, Extension } from '#libs/plugin';

const OK: AuthOutcome = { kind: 'ok', principal: ANONYMOUS };

/** Everybody is nobody in particular: the only provider while no authentication is configured. */
@Extension(AuthProvider, { name: 'anonymous', api: '1.0' })
export class AnonymousProvider extends AuthProvider {
  authenticate(): AuthOutcome {
    return OK;
  }
}
