import type { ServerResponse } from 'node:http';
import { type Got, ScriptedServer, sendJson } from './scripted-server.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * An authorization server whose every answer a test may write: it issues `t1`, `t2`, … for whatever it is asked, says what
 * its metadata is, and remembers all requests.
 */
export class Authority {
  /** Answers instead of the server when it returns true. */
  intercept: (got: Got, response: ServerResponse) => boolean = () => false;
  /** Members of a token answer besides, or instead of, its own. */
  grant: Json = {};
  /** The same of its metadata. */
  metadata: Json = {};
  issued = 0;
  readonly #server: ScriptedServer;

  private constructor(server: ScriptedServer) {
    this.#server = server;
  }

  static async start(): Promise<Authority> {
    let authority: Authority | undefined;
    const server = await ScriptedServer.start((got, response) => authority?.answer(got, response));
    authority = new Authority(server);
    return authority;
  }

  get issuer(): string {
    return this.#server.origin;
  }

  get tokenUrl(): string {
    return `${this.issuer}/token`;
  }

  get got(): readonly Got[] {
    return this.#server.got;
  }

  /** Forms of the token requests. */
  get forms(): readonly Readonly<Record<string, string>>[] {
    return this.asked.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  }

  /** The token requests. */
  get asked(): readonly Got[] {
    return this.got.filter(({ path }) => path === '/token');
  }

  answer(got: Got, response: ServerResponse): void {
    if (this.intercept(got, response)) return;
    if (got.path === '/token') {
      this.issued += 1;
      const usual = { access_token: `t${this.issued}`, token_type: 'Bearer', expires_in: 3600 };
      sendJson(response, JSON.stringify({ ...usual, ...this.grant }));
    } else if (got.path === '/.well-known/oauth-authorization-server') {
      const usual = { issuer: this.issuer, token_endpoint: this.tokenUrl };
      sendJson(response, JSON.stringify({ ...usual, ...this.metadata }));
    } else response.writeHead(404).end();
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
