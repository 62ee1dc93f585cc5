import { AuthProvider, type AuthSetup, Extension } from '#libs/plugin';
import { OidcParts, OidcProvider } from './oidc-provider.js';
import { COMMON, type Preset } from './preset.js';
import { issuerFlaws, settingsFlaws } from './settings.js';

/**
 * Auth0. Its `aud` lists the API and, after a login, /userinfo. Without an audience in the request its access tokens are
 * opaque or encrypted, which nobody else can read.
 */
const AUTH0: Preset = { ...COMMON, name: 'auth0', client: ['azp', 'client_id'] };

@Extension(AuthProvider, { name: 'auth0', api: '1.0' })
export class Auth0Provider extends OidcProvider {
  constructor(parts: OidcParts) {
    super(parts);
  }

  protected override preset(): Preset {
    return AUTH0;
  }

  override validate(setup: AuthSetup): readonly string[] {
    return [
      ...issuerFlaws(setup, (issuer) =>
        issuer.endsWith('/') ? undefined : `must end with "/", as the iss of Auth0's tokens does: ${issuer}/`,
      ),
      ...settingsFlaws('auth0', setup, {}),
    ];
  }
}
