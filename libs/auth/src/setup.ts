import { type ApiKeyConfig, type GatewayConfig, OauthConfig } from '#libs/config';
import type { AuthSetup } from '#libs/plugin';
import { endpointNamed, PublicUrls, WHOLE } from './resource/public-urls.js';

/** The sections that say who may call. */
export type AuthSections = Pick<GatewayConfig, 'server' | 'oauth'> & { readonly api_keys: readonly ApiKeyConfig[] };

/** Without it nobody is asked for credentials at all. */
export function authenticationOn({ oauth, api_keys }: Pick<AuthSections, 'oauth' | 'api_keys'>): boolean {
  return oauth.enabled || api_keys.length > 0;
}

/** The `oauth` section as providers see it. */
export function setupOf({ server, oauth }: Pick<AuthSections, 'server' | 'oauth'>): AuthSetup {
  const urls = new PublicUrls(server.url, oauth.resource);
  const { introspection } = oauth;
  return {
    issuers: oauth.authorization_servers,
    resource: urls.resource(WHOLE),
    audience: oauth.audience,
    resourceAt: (target) => urls.resource(endpointNamed(target) ?? WHOLE),
    algorithms: oauth.algorithms,
    clockTolerance: oauth.clock_tolerance,
    jwksUri: oauth.jwks_uri ?? undefined,
    introspection: introspection
      ? { url: introspection.url, clientId: introspection.client_id, clientSecret: introspection.client_secret }
      : undefined,
    settings: OauthConfig.settingsOf(oauth),
  };
}
