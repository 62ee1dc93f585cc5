import { Guarded, type GuardedOptions } from './guarded.js';
import { IdentityProvider, type IdpOptions } from './idp.js';
import { freePort } from './processes.js';
import type { Cleanup } from './wait.js';

export interface TokenedOptions extends Omit<GuardedOptions, 'sections' | 'spawn' | 'caller'> {
  readonly idp?: IdpOptions;
  /** More of `oauth`. */
  readonly oauth?: (idp: IdentityProvider) => Record<string, unknown>;
}

/** What came of a call: its status, and what arrived at the server. */
export interface Attempt {
  readonly status: number;
  readonly deeds: readonly string[];
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

export const IN = { status: 200, deeds: ['tools/call read'] };
export const OUT = { status: 401, deeds: [] };

/** A gateway that wants access tokens of a real identity provider, in front of a server that remembers what got through. */
export class Tokened {
  private constructor(
    readonly idp: IdentityProvider,
    readonly guarded: Guarded,
    /** What tokens have to be for: the gateway's own endpoint. */
    readonly resource: string,
  ) {}

  static async start(cleanup: Cleanup, options: TokenedOptions = {}): Promise<Tokened> {
    const { idp: provider, oauth, ...rest } = options;
    const idp = cleanup.add(await IdentityProvider.start(provider));
    const port = await freePort();
    const resource = `http://127.0.0.1:${port}/mcp`;
    const section = { enabled: true, provider: 'oidc', authorization_servers: [idp.issuer], ...oauth?.(idp) };
    const guarded = await Guarded.start(cleanup, {
      ...rest,
      spawn: { port },
      caller: { authorization: `Bearer ${good(idp, resource)}` },
      sections: {
        oauth: section,
        auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { '*/*:*': ['use'] } },
      },
    });
    return new Tokened(idp, guarded, resource);
  }

  /** A good token, but for these claims and members of its header; undefined leaves one out. */
  mint(claims: object = {}, header: object = {}, options: Parameters<IdentityProvider['mint']>[2] = {}): string {
    return this.idp.mint({ aud: this.resource, groups: ['User'], ...claims }, { ...header }, options);
  }

  /** A call with this token. */
  async present(token: string, more: Record<string, string> = {}): Promise<Attempt> {
    return this.attempt({ authorization: `Bearer ${token}`, ...more });
  }

  /** A call with these headers and, unless they have one, no token. */
  async attempt(headers: Record<string, string>): Promise<Attempt> {
    const { caller } = this.guarded;
    const own = Object.fromEntries(Object.keys(caller).map((name) => [name, undefined as unknown as string]));
    const { status, headers: answered, text } = await this.guarded.call({ ...own, ...headers });
    return { status, deeds: this.guarded.deeds(), headers: answered, text };
  }
}

function good(idp: IdentityProvider, aud: string): string {
  return idp.mint({ aud, groups: ['User'], exp: Math.floor(Date.now() / 1000) + 3_600 });
}
