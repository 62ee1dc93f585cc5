import { AuthProvider, type AuthSetup, Extension } from '#libs/plugin';
import { shown } from '../shown.js';
import { OidcParts, OidcProvider } from './oidc-provider.js';
import { COMMON, type Preset } from './preset.js';
import { settingsFlaws } from './settings.js';

/** Cognito's access tokens have no `aud`: which app clients may come in stands in `oauth.audience`, by their ids. */
const COGNITO: Preset = {
  ...COMMON,
  name: 'cognito',
  discovery: ['oidc'],
  client: ['client_id'],
  audienceClaim: 'client_id',
  rejects: ({ token_use: use }) => (use === 'access' ? undefined : `its token_use is ${shown(use)}, not "access"`),
};

@Extension(AuthProvider, { name: 'cognito', api: '1.0' })
export class CognitoProvider extends OidcProvider {
  constructor(parts: OidcParts) {
    super(parts);
  }

  protected override preset(): Preset {
    return COGNITO;
  }

  override validate(setup: AuthSetup): readonly string[] {
    return [
      ...(setup.audience.length > 0
        ? []
        : [
            "audience: needs the ids of the app clients that may come in: Cognito's access tokens carry no other audience",
          ]),
      ...settingsFlaws('cognito', setup, {}),
    ];
  }
}
