import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { TextList } from '../fields/collections.js';
import { AcceptsExtra, type SectionClass } from '../fields/field.js';
import { bearerFlaw, endpointFlaw, headerNameFlaw, headerValueFlaw, SCOPE, SCOPE_RULE } from '../fields/formats.js';
import { Flag, SecretText, Text } from '../fields/leaf.js';
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
const SCOPES = { doc: 'Scopes to ask for.', pattern: SCOPE, says: SCOPE_RULE };

export class ClientCredentialsConfig extends CredentialConfig {
  @Text(TYPE) type = 'oauth-client-credentials';
  @Text(TOKEN_URL) token_url!: string;
  @Text(CLIENT_ID) client_id!: string;
  @SecretText(CLIENT_SECRET) client_secret!: Secret;
  @TextList(SCOPES) scopes: string[] = [];

  @Text({ doc: 'RFC 8707 resource to ask for.', nullable: true })
  resource: string | null = null;
}

export class TokenExchangeConfig extends CredentialConfig {
  @Text(TYPE) type = 'token-exchange';
  @Text(TOKEN_URL) token_url!: string;
  @Text(CLIENT_ID) client_id!: string;
  @SecretText(CLIENT_SECRET) client_secret!: Secret;

  @Text({ doc: 'Audience of the exchanged token.', nullable: true })
  audience: string | null = null;

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
