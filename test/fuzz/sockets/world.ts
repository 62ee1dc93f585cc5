import { listedFor, type SpawnedGateway, spawnGateway } from '../../support/gateway.js';
import { IdentityProvider } from '../../support/idp.js';
import { Inspector } from '../../support/inspector.js';
import { freePort } from '../../support/processes.js';
import { RecordingUpstream } from '../../support/recording-upstream.js';
import { Cleanup } from '../../support/wait.js';
import { ALLOWED, draft, type Identity } from './kinds.js';
import { type Draft, serialize, valuesOf } from './request.js';
import { Wire } from './wire.js';

/** The credential the gateway shows its upstream. */
export const UPSTREAM_KEY = 'the-upstream-key-0123456789-abcdefghij';

const PERMISSIONS = Object.fromEntries(ALLOWED.map((pattern) => [pattern, ['use']]));

/** Who the requests come from, and somebody else. */
const SUBJECT = 'fuzz';

/** A gateway in a process of its own, between a connection that says anything and a server that remembers everything. */
export class World {
  readonly cleanup = new Cleanup();
  readonly idp: IdentityProvider;
  readonly upstream: RecordingUpstream;
  readonly gateway: SpawnedGateway;
  readonly wire: Wire;
  readonly #inspector: Inspector;
  readonly #token: string;
  /** Requests so far. */
  shots = 0;
  #session = '';
  #foreign = '';

  static async begin(): Promise<World> {
    const [idp, upstream] = [await IdentityProvider.start(), await RecordingUpstream.start()];
    const port = await freePort();
    const connection = { url: upstream.url };
    const auth = { type: 'header', header: 'x-n8n-key', value: UPSTREAM_KEY };
    const gateway = await spawnGateway(
      {
        servers: [{ name: 'rec', type: 'streamable-http', connection, auth }],
        sections: {
          oauth: { enabled: true, provider: 'oidc', authorization_servers: [idp.issuer] },
          auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: PERMISSIONS },
        },
      },
      { port, node: ['--inspect=127.0.0.1:0'] },
    );
    const world = new World(idp, upstream, gateway, await Inspector.attach(gateway));
    await listedFor(Object.fromEntries(world.identity.proof), gateway, 'rec');
    await world.newSession();
    world.#foreign = await world.#open(world.tokenOf('somebody-else'));
    return world;
  }

  constructor(idp: IdentityProvider, upstream: RecordingUpstream, gateway: SpawnedGateway, inspector: Inspector) {
    this.idp = this.cleanup.add(idp);
    this.upstream = this.cleanup.add(upstream);
    this.gateway = this.cleanup.add(gateway);
    this.#inspector = this.cleanup.add(inspector);
    this.wire = this.cleanup.add(new Wire(Number(new URL(gateway.url).port)));
    this.#token = this.tokenOf(SUBJECT);
  }

  /** A good token, with other claims and another header as wished. */
  tokenOf(sub: string, claims: object = {}, header: object = {}): string {
    const exp = Math.floor(Date.now() / 1000) + 12 * 3_600;
    return this.idp.mint({ sub, exp, aud: this.gateway.mcp(), groups: ['User'], ...claims }, { ...header });
  }

  get identity(): Identity {
    const proof: Identity['proof'] = [['authorization', `Bearer ${this.#token}`]];
    return { proof, session: this.#session, foreign: this.#foreign, shot: this.shots };
  }

  /** The session the legacy kinds use; one that was ended by accident is no finding. */
  async newSession(): Promise<void> {
    this.#session = await this.#open(this.#token);
  }

  async #open(token: string): Promise<string> {
    const request = draft('initialize', { ...this.identity, proof: [['authorization', `Bearer ${token}`]] });
    const answer = await this.wire.ask(serialize(request));
    const session = answer.headers.get('mcp-session-id');
    if (session === undefined) throw new Error(`no session: ${answer.status} ${answer.body}`);
    return session;
  }

  /** Bytes with their placeholders replaced by what this run has. */
  filledIn(bytes: Buffer): Buffer {
    const text = bytes.toString('latin1').replaceAll('@SESSION@', this.#session).replaceAll('@TOKEN@', this.#token);
    return Buffer.from(text, 'latin1');
  }

  heap(): Promise<number> {
    return this.#inspector.heap();
  }

  /** Lines the gateway logged: at this level there is nothing to log but its own failures. */
  complaints(): readonly string[] {
    const ended = this.gateway.child.exitCode ?? this.gateway.child.signalCode;
    const lines = this.gateway
      .output()
      .split('\n')
      .filter((line) => line !== '' && !/^(Debugger |For help, see|Warning: )/.test(line));
    return [...(ended === null ? [] : [`the gateway ended: ${ended}`]), ...lines.slice(0, 20)];
  }

  close(): Promise<void> {
    return this.cleanup.close();
  }
}

/** Whether a request is of a session the gateway may have forgotten. */
export const usesSession = (draft: Draft): boolean => valuesOf(draft, 'mcp-session-id').length > 0;
