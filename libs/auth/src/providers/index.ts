import { Auth0Provider } from './auth0.provider.js';
import { CognitoProvider } from './cognito.provider.js';
import { EntraProvider } from './entra.provider.js';
import { GoogleProvider } from './google.provider.js';
import { KeycloakProvider } from './keycloak.provider.js';
import { GenericOidcProvider } from './oidc.provider.js';
import { OktaProvider } from './okta.provider.js';

/** Every provider that comes with the gateway, found by name like those of plug-ins. */
export const PRESETS = [
  OktaProvider,
  GenericOidcProvider,
  Auth0Provider,
  EntraProvider,
  KeycloakProvider,
  GoogleProvider,
  CognitoProvider,
] as const;
