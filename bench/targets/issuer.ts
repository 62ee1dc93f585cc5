import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VIEWS } from './views.ts';

/** The public URL the gateway is configured with; tokens are made out to it. */
export const PUBLIC_URL = 'http://gateway.bench.test';
export const AUDIENCE = `${PUBLIC_URL}/mcp`;

/** So many different people share the tokens. */
const PRINCIPALS = 200;
/** So many different tokens there are at most. */
const TOKENS = 1000;

const KEY_ID = 'bench-1';
const HOUR = 3600;

/** An identity provider of the smallest kind: one RSA key, a static key set, tokens on demand. */
export class Issuer {
  readonly url: string;
  readonly #server: Server;
  readonly #key = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly #tokens = new Map<number, string>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<Issuer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = new Issuer(server);
    server.on('request', ({ url }, response) => {
      const document = issuer.#documents()[url ?? ''];
      response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document ?? {}));
    });
    return issuer;
  }

  get jwksUri(): string {
    return `${this.url}/jwks`;
  }

  /** The valid token with this number, made when first asked for. Callers beyond the number of tokens share them. */
  token(caller: number): string {
    const number = caller % TOKENS;
    const token = this.#tokens.get(number) ?? this.#make(number);
    this.#tokens.set(number, token);
    return token;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #make(number: number): string {
    const now = Math.floor(Date.now() / 1000);
    const principal = number % PRINCIPALS;
    const claims = {
      iss: this.url,
      sub: `user-${principal}`,
      aud: AUDIENCE,
      iat: now,
      exp: now + 6 * HOUR,
      jti: `bench-${number}`,
      client_id: 'bench',
      groups: ['everyone', 'engineering', `view-${viewOf(number)}`],
    };
    const head = encode({ alg: 'RS256', typ: 'at+jwt', kid: KEY_ID });
    const text = `${head}.${encode(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), this.#key.privateKey).toString('base64url')}`;
  }

  #documents(): Record<string, object> {
    const jwk = { ...this.#key.publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' };
    const metadata = {
      issuer: this.url,
      jwks_uri: this.jwksUri,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
    return {
      '/jwks': { keys: [jwk] },
      '/.well-known/openid-configuration': metadata,
      '/.well-known/oauth-authorization-server': metadata,
    };
  }
}

/** A person always has the same view. */
export function viewOf(caller: number): number {
  return ((caller % TOKENS) % PRINCIPALS) % VIEWS;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
