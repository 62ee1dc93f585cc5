import { AuthProvider, type AuthSetup, Extension } from '#libs/plugin';
import { type Introspector, TokeninfoIntrospector } from '../opaque/introspector.js';
import { shown } from '../shown.js';
import { OidcParts, OidcProvider } from './oidc-provider.js';
import { COMMON, type Preset } from './preset.js';
import { endpoint, issuerFlaws, settingsFlaws, text, textSetting } from './settings.js';

const ISSUER = 'https://accounts.google.com';

/**
 * Google. It has no access tokens for other people's APIs: its ID tokens, made out to your own OAuth client, stand in for
 * them, and its opaque access tokens are judged by tokeninfo where `oauth.google.tokeninfo` names it.
 */
@Extension(AuthProvider, { name: 'google', api: '1.0' })
export class GoogleProvider extends OidcProvider {
  constructor(parts: OidcParts) {
    super(parts);
  }

  protected override preset(setup: AuthSetup): Preset {
    const domain = textSetting(setup, 'hosted_domain');
    return {
      ...COMMON,
      name: 'google',
      discovery: ['oidc'],
      client: ['azp', 'aud'],
      idTokens: true,
      issuerOf: (iss) => (iss === 'accounts.google.com' && setup.issuers.includes(ISSUER) ? ISSUER : undefined),
      rejects: ({ hd }) =>
        domain === undefined || hd === domain
          ? undefined
          : `its hd is ${shown(hd)}, not "${domain}" (oauth.google.hosted_domain)`,
    };
  }

  override validate(setup: AuthSetup): readonly string[] {
    return [
      ...(setup.audience.length > 0
        ? []
        : [
            'audience: needs the id of your own OAuth client (….apps.googleusercontent.com): without it any token of Google would do',
          ]),
      ...settingsFlaws('google', setup, { tokeninfo: endpoint, hosted_domain: text }),
    ];
  }

  override warnings(setup: AuthSetup): readonly string[] {
    return [
      ...super.warnings(setup),
      ...issuerFlaws(setup, (issuer) => (issuer === ISSUER ? undefined : `the issuer of Google's tokens is ${ISSUER}`)),
    ];
  }

  override describe(setup: AuthSetup): readonly string[] {
    return [...super.describe(setup), 'ID tokens made out to a client in oauth.audience stand in for access tokens'];
  }

  protected override introspector(setup: AuthSetup): Introspector | undefined {
    const tokeninfo = textSetting(setup, 'tokeninfo');
    const [issuer] = setup.issuers;
    if (tokeninfo === undefined || issuer === undefined) return super.introspector(setup);
    return new TokeninfoIntrospector(this.parts.egress, tokeninfo, issuer);
  }
}
