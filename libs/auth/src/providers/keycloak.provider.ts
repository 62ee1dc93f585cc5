import { AuthProvider, type AuthSetup, Extension } from '#libs/plugin';
import { shown } from '../shown.js';
import { OidcParts, OidcProvider } from './oidc-provider.js';
import { COMMON, type Preset } from './preset.js';
import { issuerFlaws, settingsFlaws } from './settings.js';

/** Keycloak says in the payload what a token is: `Bearer`, `ID` or `Refresh`. Its metadata lies below the realm alone. */
const KEYCLOAK: Preset = {
  ...COMMON,
  name: 'keycloak',
  discovery: ['oidc'],
  client: ['azp', 'client_id'],
  grants: [...COMMON.grants, 'realm_access', 'resource_access'],
  rejects: ({ typ }) => (typ === 'Bearer' ? undefined : `its typ (in the payload) is ${shown(typ)}, not "Bearer"`),
};

@Extension(AuthProvider, { name: 'keycloak', api: '1.0' })
export class KeycloakProvider extends OidcProvider {
  constructor(parts: OidcParts) {
    super(parts);
  }

  protected override preset(): Preset {
    return KEYCLOAK;
  }

  override validate(setup: AuthSetup): readonly string[] {
    return [
      ...issuerFlaws(setup, (issuer) =>
        issuer.endsWith('/') ? 'must not end with "/": the iss of a realm is https://host/realms/name' : undefined,
      ),
      ...settingsFlaws('keycloak', setup, {}),
    ];
  }

  override describe(setup: AuthSetup): readonly string[] {
    return [
      ...super.describe(setup),
      'tokens name the gateway in aud only where a client scope has an audience mapper for it',
    ];
  }
}
