import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { TextList } from '../fields/collections.js';
import { AcceptsExtra, type SectionClass } from '../fields/field.js';
import {
  bearerFlaw,
  endpointFlaw,
  headerNameFlaw,
  headerValueFlaw,
  issuerFlaw,
  SCOPE,
  SCOPE_RULE,
} from '../fields/formats.js';
import { Choice, Flag, SecretText, Text } from '../fields/leaf.js';
import { OptionalSection } from '../fields/nested.js';

/** How the gateway proves itself to an upstream: `type` picks the class, which says what else belongs to it. */
abstract class CredentialConfig {
  [key: string]: unknown;
}

const TYPE = {
  doc: 'What kind of credential this is.',
  required: true,
  pattern: /^[a-z][a-z0-9_-]{0,63}$/,
  says: "must be a credential's name in lower case",
};

export class NoCredentialConfig extends CredentialConfig {
  @Text(TYPE) type = 'none';
}

export class HeaderCredentialConfig extends CredentialConfig {
  @Text(TYPE) type = 'header';

  @Text({ doc: 'Name of the header to send.', required: true, flaw: headerNameFlaw })
  header!: string;

  @SecretText({ doc: 'Its value.', required: true, flaw: headerValueFlaw })
  value!: Secret;
}

export class BearerCredentialConfig extends CredentialConfig {
  @Text(TYPE) type = 'bearer';

  @SecretText({ doc: 'Sent as Authorization: Bearer.', required: true, flaw: bearerFlaw })
  token!: Secret;
}

export class BasicCredentialConfig extends CredentialConfig {
  @Text(TYPE) type = 'basic';

  @Text({
    doc: 'User name; must not contain ":".',
    required: true,
    pattern: /^[^:\p{Cc}]+$/u,
    says: 'must not contain ":" or control characters',
  })
  username!: string;

  @SecretText({ doc: 'Password.', required: true })
  password!: Secret;
}

const TOKEN_URL = {
  doc: 'Token endpoint of the authorization server.',
  required: true,
  flaw: endpointFlaw,
  schema: { format: 'uri-reference' },
};
const CLIENT_ID = { doc: "The gateway's client id there.", required: true };
const CLIENT_SECRET = { doc: 'Its secret.', required: true };
const CLIENT_AUTH = [
  ['auto', 'basic', 'basic_raw', 'post', 'none'],
  {
    doc: "How the gateway shows them: basic (form-encoded, RFC 6749), basic_raw (as they are), post (in the form), none (the id alone). auto: as the server's metadata says, else basic.",
  },
] as const;
const SCOPES = { doc: 'Scopes to ask for.', pattern: SCOPE, says: SCOPE_RULE };
const RESOURCE = { doc: 'RFC 8707 resource to ask for.', nullable: true };

export class ClientCredentialsConfig extends CredentialConfig {
  @Text(TYPE) type = 'oauth-client-credentials';

  @Text({
    ...TOKEN_URL,
    doc: "Token endpoint of the authorization server. null: found from the upstream's own metadata (RFC 9728, RFC 8414); then issuer is required.",
    required: false,
    nullable: true,
  })
  token_url: string | null = null;

  @Text({
    doc: "Where token_url is null: the authorization server, exactly as the upstream's metadata names it. The secret goes to no other.",
    nullable: true,
    flaw: issuerFlaw,
    schema: { format: 'uri-reference' },
  })
  issuer: string | null = null;

  @Text(CLIENT_ID) client_id!: string;
  @SecretText({ doc: 'Its secret. Required, but for client_auth: none.', optional: true }) client_secret?: Secret;
  @Choice(...CLIENT_AUTH) client_auth = 'auto';
  @TextList(SCOPES) scopes: string[] = [];
  @Text(RESOURCE) resource: string | null = null;

  @Text({ doc: 'Audience to ask for, where a server wants that instead of a resource (Auth0).', nullable: true })
  audience: string | null = null;
}

export class TokenExchangeConfig extends CredentialConfig {
  @Text(TYPE) type = 'token-exchange';
  @Text(TOKEN_URL) token_url!: string;
  @Text(CLIENT_ID) client_id!: string;
  @SecretText(CLIENT_SECRET) client_secret!: Secret;
  @Choice(...CLIENT_AUTH) client_auth = 'auto';

  @Text({ doc: 'Audience of the exchanged token.', nullable: true })
  audience: string | null = null;

  @Text(RESOURCE) resource: string | null = null;

  @TextList(SCOPES) scopes: string[] = [];

  @OptionalSection(
    () => ClientCredentialsConfig,
    "What discovery uses, where calls use the user's token: an oauth-client-credentials block.",
  )
  discovery: ClientCredentialsConfig | null = null;
}

export class UnsafePassthroughConfig extends CredentialConfig {
  @Text(TYPE) type = 'unsafe_passthrough';

  @Flag({ doc: "Must be true: the client's own token reaches the upstream." })
  i_understand = false;

  @TextList({ doc: "Audiences such a token must carry; never the gateway's own." })
  audience: string[] = [];
}

/** A plug-in's credential: any further keys. Those whose name says so (token, secret, key, password …) are Secrets. */
@AcceptsExtra(() => true)
export class PluginCredentialConfig extends CredentialConfig {
  @Text(TYPE) type!: string;
}

export const CREDENTIALS: Readonly<Record<string, SectionClass>> = {
  none: NoCredentialConfig,
  header: HeaderCredentialConfig,
  bearer: BearerCredentialConfig,
  basic: BasicCredentialConfig,
  'oauth-client-credentials': ClientCredentialsConfig,
  'token-exchange': TokenExchangeConfig,
  unsafe_passthrough: UnsafePassthroughConfig,
};
