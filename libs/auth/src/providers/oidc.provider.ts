import { AuthProvider, type AuthSetup, Extension } from '#libs/plugin';
import { OidcParts, OidcProvider } from './oidc-provider.js';
import { COMMON, type Preset } from './preset.js';
import { oneOf, settingsFlaws, textSetting } from './settings.js';

/**
 * Whoever follows the standards: access tokens say what they are (RFC 9068) and name the resource they are for. For those who do
 * not say it: `oauth.oidc.typ: any`.
 */
@Extension(AuthProvider, { name: 'oidc', api: '1.0' })
export class GenericOidcProvider extends OidcProvider {
  constructor(parts: OidcParts) {
    super(parts);
  }

  protected override preset(setup: AuthSetup): Preset {
    return { ...COMMON, name: 'oidc', type: textSetting(setup, 'typ') === 'any' ? 'any' : 'at+jwt' };
  }

  override validate(setup: AuthSetup): readonly string[] {
    return settingsFlaws('oidc', setup, { typ: oneOf('at+jwt', 'any') });
  }
}
