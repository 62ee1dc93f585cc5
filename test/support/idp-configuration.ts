import { type Adapter, type AdapterPayload, type Configuration, errors } from 'oidc-provider';
import type { IdpClient, IdpResource } from './idp.js';
import type { Jwk, SigningKey } from './signing.js';

export interface ProviderParts {
  readonly keys: readonly SigningKey[];
  readonly clients: readonly IdpClient[];
  readonly scopes: readonly string[];
  readonly resources: ReadonlyMap<string, IdpResource>;
  readonly store: Map<string, AdapterPayload>;
}

/** oidc-provider as an authorization server for machines: client credentials, resource indicators, introspection. */
export function providerConfiguration(parts: ProviderParts): Configuration {
  const { keys, clients, scopes, resources, store } = parts;
  return {
    adapter: (name: string) => new MemoryAdapter(name, store),
    jwks: { keys: keys.map((key) => key.privateJwk as Jwk & Record<string, never>) },
    clients: clients.map(({ id, secret, auth, scopes: own }) => ({
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: auth === 'post' ? 'client_secret_post' : 'client_secret_basic',
      ...(own && { scope: own.join(' ') }),
    })),
    scopes: [...scopes],
    ttl: { ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 600 },
    extraTokenClaims: (_ctx, token) => ({ ...clients.find(({ id }) => id === token.clientId)?.claims }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) => oneOf?.[0] ?? [...resources.keys()][0] ?? [],
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => resourceServer(resource, resources.get(resource), scopes),
      },
    },
  };
}

function resourceServer(resource: string, found: IdpResource | undefined, all: readonly string[]) {
  if (!found) throw new errors.InvalidTarget();
  const { format = 'jwt', audience = resource, scopes = all, ttl = 600, alg = 'RS256' } = found;
  return {
    scope: scopes.join(' '),
    audience,
    accessTokenTTL: ttl,
    accessTokenFormat: format,
    ...(format === 'jwt' && { jwt: { sign: { alg } as const } }),
  } as const;
}

/** What a provider remembers, apart from every other one's. */
class MemoryAdapter implements Adapter {
  constructor(
    private readonly name: string,
    private readonly store: Map<string, AdapterPayload>,
  ) {}

  async upsert(id: string, payload: AdapterPayload): Promise<undefined> {
    this.store.set(`${this.name}:${id}`, payload);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.store.get(`${this.name}:${id}`);
  }

  async destroy(id: string): Promise<undefined> {
    this.store.delete(`${this.name}:${id}`);
  }

  async findByUserCode(): Promise<undefined> {}
  async findByUid(): Promise<undefined> {}
  async consume(): Promise<undefined> {}
  async revokeByGrantId(): Promise<undefined> {}
}
