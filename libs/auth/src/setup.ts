import { type ApiKeyConfig, type GatewayConfig, OauthConfig } from '#libs/config';
import type { AuthSetup } from '#libs/plugin';

/** The sections that say who may call. */
export type AuthSections = Pick<GatewayConfig, 'server' | 'oauth'> & { readonly api_keys: readonly ApiKeyConfig[] };

const ENDPOINT = /^(?:https?:\/\/[^/?#]*)?(\/mcp(?:\/[a-z0-9-]{1,30})?)(?:\?|$)/;

/** Without it nobody is asked for credentials at all. */
export function authenticationOn({ oauth, api_keys }: Pick<AuthSections, 'oauth' | 'api_keys'>): boolean {
  return oauth.enabled || api_keys.length > 0;
}

/** The `oauth` section as providers see it. */
export function setupOf({ server, oauth }: Pick<AuthSections, 'server' | 'oauth'>): AuthSetup {
  const { origin, pathname } = new URL(server.url);
  const base = origin + pathname.replace(/\/+$/, '');
  const resource = (path: string) => oauth.resource ?? base + path;
  const { introspection } = oauth;
  return {
    issuers: oauth.authorization_servers,
    resource: resource('/mcp'),
    audience: oauth.audience,
    resourceAt: (target) => resource(ENDPOINT.exec(target)?.[1] ?? '/mcp'),
    algorithms: oauth.algorithms,
    clockTolerance: oauth.clock_tolerance,
    jwksUri: oauth.jwks_uri ?? undefined,
    introspection: introspection
      ? { url: introspection.url, clientId: introspection.client_id, clientSecret: introspection.client_secret }
      : undefined,
    settings: OauthConfig.settingsOf(oauth),
  };
}
