import { EgressClient, EgressGuard } from '#libs/egress';
import type { Principal } from '#libs/kernel';
import type { Connection, RequestCaller, UpstreamCredential, UpstreamTarget, UpstreamTransport } from '#libs/plugin';
import { CredentialSource } from '../credentials/credential-source.js';
import { ClientCredentialsCredential } from '../credentials/oauth/client-credentials.credential.js';
import { TokenCache } from '../credentials/oauth/token-cache.js';
import { TokenExchangeCredential } from '../credentials/oauth/token-exchange.credential.js';
import type { Message } from './conversation.js';

/** The OAuth credentials with an egress client and a clock of the test's own. */
export class OauthBench {
  /** Milliseconds since the epoch. */
  now = Date.now();
  readonly egress = new EgressClient(new EgressGuard());
  readonly cache = new TokenCache({ elapsed: () => this.now, now: () => this.now, random: () => 0 });
  readonly clientCredentials = new ClientCredentialsCredential(this.egress, this.cache);
  readonly tokenExchange = new TokenExchangeCredential(this.egress, this.cache);
}

/** A connection under a credential, on which a test sends on behalf of callers. */
export class CredentialedConnection {
  connection!: Connection;
  readonly closed: Error[] = [];
  #lastId = 0;

  static async open(
    transport: UpstreamTransport,
    target: UpstreamTarget,
    credential: UpstreamCredential,
    settings: Readonly<Record<string, unknown>>,
    opener?: RequestCaller,
  ): Promise<CredentialedConnection> {
    const opened = new CredentialedConnection();
    const { headers, refused } = new CredentialSource({ credential, target, settings }, opener);
    opened.connection = await transport.connect(target, {
      listener: { onMessage() {}, onClose: (error) => opened.closed.push(error) },
      headers,
      refused,
      signal: new AbortController().signal,
    });
    return opened;
  }

  /** The response of a request; rejects with its GatewayError. */
  call(method: string, caller?: RequestCaller, headers?: Record<string, string>): Promise<Message> {
    const id = ++this.#lastId;
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params: {} }));
    return new Promise((resolve, reject) => {
      this.connection.send(
        { id, method, body, ...(headers && { headers }), ...(caller && { caller }) },
        { onMessage: (bytes) => resolve(JSON.parse(bytes.toString()) as Message), onError: reject },
      );
    });
  }
}

export function callerOf(principal: Principal, headers: Record<string, string> = {}): RequestCaller {
  return { principal, headers };
}
