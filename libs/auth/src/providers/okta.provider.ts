import { AuthProvider, type AuthSetup, Extension } from '#libs/plugin';
import { OidcParts, OidcProvider } from './oidc-provider.js';
import { COMMON, type Preset } from './preset.js';
import { issuerFlaws } from './settings.js';

const DEFAULT_SERVER = /\/oauth2\/default$/;
const DEFAULT_AUDIENCE = 'api://default';

/**
 * Okta's custom authorization servers. Their audience is one for the whole server, whatever resource a client names, and
 * users can be renamed: who it is stands in `uid`, which tokens of service applications do not have.
 */
const OKTA: Preset = {
  ...COMMON,
  name: 'okta',
  discovery: ['oidc', 'oauth-appended', 'oauth'],
  subject: [['uid'], ['sub']],
  client: ['cid', 'client_id'],
  audiences: (issuer, { audience }) => (DEFAULT_SERVER.test(issuer) && audience.length === 0 ? [DEFAULT_AUDIENCE] : []),
  rejects: ({ jti }) =>
    typeof jti === 'string' && jti.startsWith('ID.')
      ? 'it is an ID token of Okta (its jti starts with "ID.")'
      : undefined,
};

@Extension(AuthProvider, { name: 'okta', api: '1.0' })
export class OktaProvider extends OidcProvider {
  // Repeated in each preset: Nest reads the parts from the constructor it sees.
  constructor(parts: OidcParts) {
    super(parts);
  }

  protected override preset(): Preset {
    return OKTA;
  }

  override validate(setup: AuthSetup): readonly string[] {
    return issuerFlaws(setup, (issuer) =>
      new URL(issuer).pathname.startsWith('/oauth2/')
        ? undefined
        : 'must be a custom authorization server like https://acme.okta.com/oauth2/default: ' +
          'nobody but Okta can check the access tokens of the organisation itself',
    );
  }

  override warnings(setup: AuthSetup): readonly string[] {
    const { issuers, audience, settings, resource } = setup;
    const other = issuers.find((issuer) => !DEFAULT_SERVER.test(issuer));
    const unused = Object.keys(settings).filter((key) => settings[key] !== null);
    return [
      ...super.warnings(setup),
      ...(other !== undefined && audience.length === 0
        ? [
            `audience: is empty; tokens of ${other} carry the audience of that authorization server (Okta admin console, ` +
              `Security, API), and unless it is ${resource} nobody gets in: list it here`,
          ]
        : []),
      ...unused.map((key) => `okta.${key}: is not used: access tokens are checked with Okta's public keys`),
    ];
  }
}
