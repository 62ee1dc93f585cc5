import { listedFor, type SpawnedGateway, spawnGateway } from './gateway.js';
import { IdentityProvider } from './idp.js';
import { freePort } from './processes.js';
import { RawSession } from './raw.js';
import { type RecordingOptions, RecordingUpstream } from './recording-upstream.js';
import { http } from './upstreams.js';
import type { Cleanup } from './wait.js';

/** One who calls: headers that prove it. */
export type User = Record<string, string>;

/** Who must have nothing of Ann's: another subject, and the same subject of another issuer. */
export const OTHERS = ['bob', 'ann elsewhere'] as const;
export type Other = (typeof OTHERS)[number];

/** A gateway with two identity providers in front of servers of every era, all of which everybody may use. */
export class TwoUsers {
  private constructor(
    readonly gateway: SpawnedGateway,
    readonly upstreams: Readonly<Record<string, RecordingUpstream>>,
    readonly ann: User,
    private readonly others: Readonly<Record<Other, User>>,
  ) {}

  static async start(cleanup: Cleanup, upstreams: Readonly<Record<string, RecordingOptions>>): Promise<TwoUsers> {
    const [one, two] = [cleanup.add(await IdentityProvider.start()), cleanup.add(await IdentityProvider.start())];
    const started: Record<string, RecordingUpstream> = {};
    for (const [name, options] of Object.entries(upstreams)) {
      started[name] = cleanup.add(await RecordingUpstream.start(options));
    }
    const port = await freePort();
    const aud = `http://127.0.0.1:${port}/mcp`;
    const gateway = cleanup.add(
      await spawnGateway(
        {
          sections: {
            oauth: { enabled: true, provider: 'oidc', authorization_servers: [one.issuer, two.issuer] },
            auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { '*/*:*': ['use'] } },
          },
          servers: Object.entries(started).map(([name, { url }]) => http(name, url)),
        },
        { port },
      ),
    );
    const user = (idp: IdentityProvider, sub: string): User => ({
      authorization: `Bearer ${idp.mint({ sub, aud, groups: ['User'] })}`,
    });
    const ann = user(one, 'ann');
    await listedFor(ann, gateway, ...Object.keys(started));
    return new TwoUsers(gateway, started, ann, { bob: user(one, 'bob'), 'ann elsewhere': user(two, 'ann') });
  }

  get mcp(): string {
    return this.gateway.mcp();
  }

  other(name: Other): User {
    return this.others[name];
  }

  upstream(name: string): RecordingUpstream {
    const upstream = this.upstreams[name];
    if (!upstream) throw new Error(`no upstream ${name}`);
    return upstream;
  }

  forget(): void {
    for (const { journal } of Object.values(this.upstreams)) journal.forget();
  }

  session(headers: User, capabilities: object = {}): Promise<RawSession> {
    return RawSession.open(this.mcp, { headers, capabilities });
  }
}
