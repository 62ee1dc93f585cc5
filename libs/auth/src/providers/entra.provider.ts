import { type Authenticator, AuthProvider, type AuthSetup, Extension } from '#libs/plugin';
import type { Claims } from '../tokens/claims.js';
import { OidcParts, OidcProvider } from './oidc-provider.js';
import { COMMON, type Preset } from './preset.js';
import { issuerFlaws, settingsFlaws, text, textSetting } from './settings.js';

/** Places where any tenant logs in; no token has them for its issuer. */
const SHARED = /^\/(?:common|organizations|consumers)(?:\/|$)/;
/** Scopes of OpenID Connect itself, which belong to no API. */
const OPENID_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Microsoft Entra ID, with issuers of version 1 and 2. A user is the pair of tenant and object, never a name or an address.
 * ID tokens share the audience of access tokens: what lets one in is a delegated scope, or the mark of an application.
 */
const ENTRA: Preset = {
  ...COMMON,
  name: 'entra',
  discovery: ['oidc'],
  subject: [['tid', 'oid']],
  client: ['azp', 'appid'],
  rejects: (claims) =>
    typeof claims['scp'] === 'string' || claims['idtyp'] === 'app'
      ? undefined
      : 'it has neither scp nor idtyp "app", so it may be an ID token (for applications, add the optional claim idtyp)',
};

@Extension(AuthProvider, { name: 'entra', api: '1.0' })
export class EntraProvider extends OidcProvider {
  #overageSeen = false;

  constructor(parts: OidcParts) {
    super(parts);
  }

  protected override preset(): Preset {
    return {
      ...ENTRA,
      rejects: (claims, setup) => {
        this.#noticeOverage(claims);
        return ENTRA.rejects?.(claims, setup);
      },
    };
  }

  override open(setup: AuthSetup): Authenticator {
    this.#overageSeen = false;
    return super.open(setup);
  }

  override validate(setup: AuthSetup): readonly string[] {
    return [
      ...issuerFlaws(setup, (issuer) =>
        SHARED.test(new URL(issuer).pathname)
          ? 'must name a tenant, like https://login.microsoftonline.com/<tenant id>/v2.0; list each tenant that may come in'
          : undefined,
      ),
      ...settingsFlaws('entra', setup, { scope_prefix: text }),
    ];
  }

  override warnings(setup: AuthSetup): readonly string[] {
    return [
      ...super.warnings(setup),
      ...(setup.audience.length === 0
        ? [
            `audience: is empty; Entra's tokens carry the application (client) id or the App ID URI of your API, and unless that is ` +
              `${setup.resource} nobody gets in: list it here`,
          ]
        : []),
    ];
  }

  /** Permissions name scopes as tokens carry them, `n8n.read`; a client has to ask for `api://<application>/n8n.read`. */
  override challengeScopes(scopes: readonly string[], setup: AuthSetup): readonly string[] {
    const prefix = textSetting(setup, 'scope_prefix') ?? defaultPrefix(setup);
    if (prefix === undefined) return scopes;
    return scopes.map((scope) =>
      scope.includes('://') || OPENID_SCOPES.has(scope) ? scope : `${prefix.replace(/\/$/, '')}/${scope}`,
    );
  }

  /**
   * Somebody with too many groups comes with a link to Graph instead of a list. The link is the token's word and is not
   * followed; without groups nothing is granted by them.
   */
  #noticeOverage(claims: Claims): void {
    const names = claims['_claim_names'];
    const linked = typeof names === 'object' && names !== null && Object.hasOwn(names, 'groups');
    if (this.#overageSeen || !(linked || claims['hasgroups'] === true)) return;
    this.#overageSeen = true;
    this.parts.log.warn(
      {},
      'a token of Entra has a link instead of its groups, because there are too many; it grants nothing by groups: ' +
        'use app roles, or groups assigned to the application',
    );
  }
}

/** The App ID URI, or what it is by default for an application id. */
function defaultPrefix({ audience }: AuthSetup): string | undefined {
  const uri = audience.find((entry) => entry.startsWith('api://'));
  const id = audience.find((entry) => GUID.test(entry));
  return uri ?? (id === undefined ? undefined : `api://${id}`);
}
