import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { TextList } from '../fields/collections.js';
import { AcceptsExtra } from '../fields/field.js';
import { endpointFlaw, issuerFlaw, resourceFlaw, SCOPE, SCOPE_RULE } from '../fields/formats.js';
import { Duration, Flag, SecretText, Text } from '../fields/leaf.js';
import { OptionalSection, Section } from '../fields/nested.js';

/** Signature algorithms a provider may be configured with: public-key ones only. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

export class IntrospectionConfig {
  @Text({
    doc: 'RFC 7662 introspection endpoint.',
    required: true,
    flaw: endpointFlaw,
    schema: { format: 'uri-reference' },
  })
  url!: string;

  @Text({ doc: "The gateway's client id there.", required: true })
  client_id!: string;

  @SecretText({ doc: 'Its secret.', required: true })
  client_secret!: Secret;
}

export class OktaConfig {
  @Text({
    doc: 'The organisation, e.g. https://acme.okta.com.',
    nullable: true,
    flaw: issuerFlaw,
    schema: { format: 'uri-reference' },
  })
  org_url: string | null = null;

  @Text({ doc: 'Client id of a service application.', nullable: true })
  client_id: string | null = null;

  @SecretText({ doc: 'Its private key (PEM or JWK).', nullable: true })
  private_key: Secret | null = null;

  @Text({ doc: 'The key id of private_key.', nullable: true })
  private_key_id: string | null = null;
}

/** Who issues the tokens the gateway accepts. A block named after `provider` holds that provider's own settings. */
@AcceptsExtra((key, own) => key === own['provider'], { schema: { type: 'object' } })
export class OauthConfig {
  @Flag({ doc: 'Require access tokens.' })
  enabled = false;

  @Text({
    doc: "okta, oidc, auth0, entra, keycloak, google, cognito, or the name of a plug-in's provider.",
    pattern: /^[a-z][a-z0-9_-]{0,63}$/,
    says: "must be a provider's name in lower case",
  })
  provider = 'oidc';

  @TextList({ doc: 'Issuers, exactly as they stand in the iss claim.', flaw: issuerFlaw, max: 16 })
  authorization_servers: string[] = [];

  @Text({
    doc: "The gateway's resource identifier; default: server.url plus the endpoint's path.",
    nullable: true,
    flaw: resourceFlaw,
    schema: { format: 'uri-reference' },
  })
  resource: string | null = null;

  @TextList({ doc: 'Audiences accepted besides resource. For cognito: the ids of app clients.', max: 16 })
  audience: string[] = [];

  @TextList({ doc: 'Scopes named in the protected-resource metadata.', pattern: SCOPE, says: SCOPE_RULE })
  scopes_supported: string[] = [];

  @TextList({
    doc: 'Accepted signature algorithms; public-key ones only.',
    flaw: (name) =>
      (ALGORITHMS as readonly string[]).includes(name) ? undefined : `must be one of ${ALGORITHMS.join(', ')}`,
    schema: { enum: [...ALGORITHMS] },
  })
  algorithms: string[] = ['RS256', 'PS256', 'ES256'];

  @Duration({ doc: 'Tolerated difference of clocks.', min: '0', max: '60s' })
  clock_tolerance = 30_000;

  @Text({
    doc: "The provider's keys, the same for all issuers; default: found by discovery, for each issuer.",
    nullable: true,
    flaw: endpointFlaw,
    schema: { format: 'uri-reference' },
  })
  jwks_uri: string | null = null;

  @OptionalSection(() => IntrospectionConfig, 'For opaque tokens.')
  introspection: IntrospectionConfig | null = null;

  @Section(() => OktaConfig, 'Settings of the provider okta.')
  okta = new OktaConfig();

  /** The block named after the provider; empty when there is none. Secret-looking keys hold Secrets. */
  static settingsOf(oauth: OauthConfig): Readonly<Record<string, unknown>> {
    const block: unknown = Object.hasOwn(oauth, oauth.provider)
      ? (oauth as unknown as Record<string, unknown>)[oauth.provider]
      : undefined;
    return typeof block === 'object' && block !== null ? (block as Record<string, unknown>) : {};
  }
}
