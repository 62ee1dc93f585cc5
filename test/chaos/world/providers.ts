import { IdentityProvider } from '../../support/idp.js';
import type { Answers } from '../../support/switchboard.js';
import type { Beside, World } from './world.js';

/** Two identity providers. One the gateway knows from its start; the other one is down then. */
export class Providers implements Beside {
  readonly known: IdentityProvider;
  readonly late: IdentityProvider;
  readonly sections: Record<string, unknown>;
  readonly headers: Record<string, string>;
  readonly #resource: string;

  private constructor(
    { known, late }: Pick<Providers, 'known' | 'late'>,
    port: number,
    headers?: Record<string, string>,
  ) {
    this.known = known;
    this.late = late;
    this.#resource = `http://127.0.0.1:${port}/mcp`;
    this.sections = {
      oauth: { enabled: true, provider: 'oidc', authorization_servers: [known.issuer, late.issuer] },
      auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { '*/*:*': ['use'] } },
    };
    this.headers = headers ?? this.bearer(known);
  }

  /** `headers`: what callers send; default: a token of the known provider. */
  static async start(port: number, headers?: Record<string, string>): Promise<Providers> {
    const [known, late] = await Promise.all([IdentityProvider.start(), IdentityProvider.start()]);
    answer(late, { status: 503 });
    return new Providers({ known, late }, port, headers);
  }

  /** @throws Error when the plan of this world has none */
  static of({ beside }: World): Providers {
    if (!(beside instanceof Providers)) throw new Error('this world has no identity providers');
    return beside;
  }

  bearer(provider: IdentityProvider, claims: Record<string, unknown> = {}): Record<string, string> {
    const token = provider.mint({ aud: this.#resource, groups: ['User'], ...claims });
    return { authorization: `Bearer ${token}` };
  }

  async close(): Promise<void> {
    await Promise.all([this.known.close(), this.late.close()]);
  }
}

/** How it answers from now on, whatever it is asked for. */
export function answer(provider: IdentityProvider, answers: Answers): void {
  provider.jwks.answers = provider.discovery.answers = answers;
}
