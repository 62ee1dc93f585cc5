import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request for a token that arrived. */
export interface TokenQuestion {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

/**
 * An authorization server that exchanges tokens (RFC 8693) and remembers what it was asked. For a subject's JWT it issues
 * `for-<sub>-<n>`; anything else is refused.
 */
export class ExchangeServer {
  readonly asked: TokenQuestion[] = [];
  /** Subjects it exchanges nothing for. */
  readonly barred = new Set<string>();
  /** Seconds its tokens live. */
  life = 600;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<ExchangeServer> {
    const server = new ExchangeServer();
    server.#server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.#server.once('listening', resolve));
    return server;
  }

  get tokenUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
    this.asked.push({ authorization: request.headers.authorization, form });
    const subject = subjectOf(form['subject_token'] ?? '');
    if (form['grant_type'] === 'client_credentials') return this.#issue(response, 'for-gateway');
    if (subject === undefined || this.barred.has(subject)) {
      const description = `no token for ${form['subject_token']}`;
      const text = JSON.stringify({ error: 'invalid_request', error_description: description });
      response.writeHead(400, { 'content-type': 'application/json' }).end(text);
    } else this.#issue(response, `for-${subject}`);
  }

  #issue(response: ServerResponse, name: string): void {
    const grant = {
      access_token: `${name}-${this.asked.length}`,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: this.life,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(grant));
  }
}

function subjectOf(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { sub?: string };
    return claims.sub;
  } catch {
    return undefined;
  }
}
