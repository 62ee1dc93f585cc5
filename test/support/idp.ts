import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AdapterPayload, Provider } from 'oidc-provider';
import { providerConfiguration } from './idp-configuration.js';
import { compactJws, type SigningKey, signingKey } from './signing.js';
import { Switch } from './switchboard.js';

/** A client that gets tokens for itself (client_credentials). */
export interface IdpClient {
  readonly id: string;
  readonly secret: string;
  /** How it proves itself; default basic. */
  readonly auth?: 'basic' | 'post';
  /** Scopes it may ask for; default: all. */
  readonly scopes?: readonly string[];
  /** Claims in its tokens besides the usual ones, e.g. `groups` and `roles`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A protected resource that tokens can be asked for. */
export interface IdpResource {
  /** Default jwt. */
  readonly format?: 'jwt' | 'opaque';
  /** Default: the resource itself. */
  readonly audience?: string;
  /** Scopes it knows; default: all of the provider's. */
  readonly scopes?: readonly string[];
  /** Seconds a token lives; default 600. */
  readonly ttl?: number;
  readonly alg?: 'RS256' | 'ES256' | 'PS256';
}

export interface IdpOptions {
  /** Path of the issuer, e.g. `/oauth2/default`; default: none. */
  readonly path?: string;
  readonly clients?: readonly IdpClient[];
  readonly scopes?: readonly string[];
}

/** What a token endpoint is asked. */
export interface TokenRequest {
  readonly client?: string;
  readonly resource?: string;
  readonly scope?: string;
}

export interface MintOptions {
  /** Signed with this instead of the provider's first key. */
  readonly key?: SigningKey;
  /** Signed with exactly this, whatever the header says. */
  readonly raw?: Buffer | string;
}

export const ADMIN: IdpClient = {
  id: 'ada',
  secret: 'ada-secret-0123456789-abcdefghijkl',
  claims: { groups: ['Admin'] },
};
export const USER: IdpClient = {
  id: 'ulla',
  secret: 'ulla-secret-0123456789-abcdefghijkl',
  auth: 'post',
  claims: { groups: ['User'], roles: ['Reader'] },
};
/** What the gateway itself is at the provider: for introspection. */
export const GATEWAY: IdpClient = { id: 'gateway', secret: 'gateway-secret-0123456789-abcdefghi' };

const SCOPES = ['n8n:read', 'n8n:write', 'admin'];

/**
 * A real OpenID provider on a free port of this machine. Its own tokens come from `token()`; `mint()` signs anything with its
 * keys. Its endpoints can be made to fail, and count who asks them.
 */
export class IdentityProvider {
  readonly jwks = new Switch();
  readonly discovery = new Switch();
  readonly introspection = new Switch();
  readonly tokens = new Switch();
  /** Keys it signs with and publishes, the current one first. */
  keys: SigningKey[] = [signingKey('rsa-1'), signingKey('ec-1', 'ES256')];
  /** What else stands in its key set, e.g. keys that must be ignored. */
  extraKeys: Record<string, unknown>[] = [];
  readonly #resources = new Map<string, IdpResource>();
  readonly #clients: readonly IdpClient[];
  readonly #scopes: readonly string[];
  readonly #path: string;
  readonly #server: Server;
  readonly #store = new Map<string, AdapterPayload>();
  #provider: Provider | undefined;

  private constructor(server: Server, { clients = [], scopes = SCOPES, path = '' }: IdpOptions) {
    this.#server = server;
    this.#clients = [ADMIN, USER, GATEWAY, ...clients];
    this.#scopes = scopes;
    this.#path = path;
    server.on('request', (request, response) => this.#handle(request, response));
  }

  static async start(options: IdpOptions = {}): Promise<IdentityProvider> {
    const server = createServer();
    const idp = new IdentityProvider(server, options);
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return idp;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#path}`;
  }

  get jwksUri(): string {
    return `${this.issuer}/jwks`;
  }

  get tokenUrl(): string {
    return `${this.issuer}/token`;
  }

  get introspectionUrl(): string {
    return `${this.issuer}/token/introspection`;
  }

  /** From now on tokens can be asked for this resource. */
  serve(resource: string, settings: IdpResource = {}): this {
    this.#resources.set(resource, settings);
    return this;
  }

  /** A token from the token endpoint. */
  async token({ client = ADMIN.id, resource, scope }: TokenRequest = {}): Promise<string> {
    const found = this.#client(client);
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (resource !== undefined) form.set('resource', resource);
    if (scope !== undefined) form.set('scope', scope);
    const headers: Record<string, string> = {};
    if (found.auth === 'post') {
      form.set('client_id', found.id);
      form.set('client_secret', found.secret);
    } else headers['authorization'] = `Basic ${Buffer.from(`${found.id}:${found.secret}`).toString('base64')}`;
    const response = await fetch(this.tokenUrl, { method: 'POST', body: form, headers });
    const answer = (await response.json()) as { access_token?: string };
    if (!answer.access_token) throw new Error(`no token for ${client}: ${JSON.stringify(answer)}`);
    return answer.access_token;
  }

  /** Ends a token at once. */
  async revoke(token: string, client = ADMIN.id): Promise<void> {
    const { id, secret } = this.#client(client);
    const headers = { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
    const response = await fetch(`${this.tokenUrl}/revocation`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      headers,
    });
    if (!response.ok) throw new Error(`not revoked: ${response.status}`);
  }

  /**
   * A token as an access token of this provider would be, with other claims and another header as wished; undefined leaves
   * a member out.
   */
  mint(
    claims: Readonly<Record<string, unknown>> = {},
    header: Readonly<Record<string, unknown>> = {},
    { key = this.keys[0] as SigningKey, raw }: MintOptions = {},
  ): string {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: this.issuer, sub: 'somebody', iat: now, exp: now + 600, jti: `${now}-${Math.random()}` };
    return compactJws(
      { alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header },
      { ...usual, ...claims },
      raw ?? key.privateKey,
    );
  }

  /** A new first key; the older ones stay published until `retire`. */
  rotate(kid: string, alg = 'RS256'): SigningKey {
    const key = signingKey(kid, alg);
    this.keys = [key, ...this.keys];
    this.#provider = undefined;
    return key;
  }

  /** Takes a key out of the published set. */
  retire(kid: string): void {
    this.keys = this.keys.filter((key) => key.kid !== kid);
    this.#provider = undefined;
  }

  #client(id: string): IdpClient {
    const found = this.#clients.find((client) => client.id === id);
    if (!found) throw new Error(`no client ${id}`);
    return found;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const original = request.url ?? '/';
    // Metadata also lies where RFC 8414 puts it: before the path of the issuer.
    const metadata = original.startsWith('/.well-known/') && original.endsWith(this.#path);
    const url = metadata
      ? original.slice(0, original.length - this.#path.length)
      : original.startsWith(this.#path)
        ? original.slice(this.#path.length)
        : undefined;
    if (url === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { pathname } = new URL(url, 'http://localhost');
    if (pathname === '/jwks') {
      if (this.jwks.handle(request, response)) return;
      const keys = [...this.keys.map((key) => key.publicJwk), ...this.extraKeys];
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
      return;
    }
    if (pathname.startsWith('/.well-known/') && this.discovery.handle(request, response)) return;
    if (pathname === '/token' && this.tokens.handle(request, response)) return;
    if (pathname === '/token/introspection' && this.introspection.handle(request, response)) return;
    this.#provider ??= this.#build();
    // Where it is mounted, as koa-mount and express would say it.
    Object.assign(request, { url, originalUrl: `${this.#path}${url}` });
    void this.#provider.callback()(request, response);
  }

  #build(): Provider {
    return new Provider(
      this.issuer,
      providerConfiguration({
        keys: this.keys,
        clients: this.#clients,
        scopes: this.#scopes,
        resources: this.#resources,
        store: this.#store,
      }),
    );
  }
}
