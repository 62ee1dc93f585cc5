import { listed, type SpawnedGateway, spawnGateway } from '../../support/gateway.js';
import { Inspector } from '../../support/inspector.js';
import { RecordingUpstream } from '../../support/recording-upstream.js';
import { Cleanup } from '../../support/wait.js';
import { draft, type Identity } from './kinds.js';
import { type Draft, serialize, valuesOf } from './request.js';
import { Wire } from './wire.js';

/** The credential the gateway shows its upstream. */
export const UPSTREAM_KEY = 'the-upstream-key-0123456789-abcdefghij';

/** A gateway in a process of its own, between a connection that says anything and a server that remembers everything. */
export class World {
  readonly cleanup = new Cleanup();
  readonly upstream: RecordingUpstream;
  readonly gateway: SpawnedGateway;
  readonly wire: Wire;
  readonly #inspector: Inspector;
  #session = '';

  static async begin(): Promise<World> {
    const upstream = await RecordingUpstream.start();
    const connection = { url: upstream.url };
    const auth = { type: 'header', header: 'x-n8n-key', value: UPSTREAM_KEY };
    const gateway = await spawnGateway(
      { servers: [{ name: 'rec', type: 'streamable-http', connection, auth }] },
      { node: ['--inspect=127.0.0.1:0'] },
    );
    await listed(gateway, 'rec');
    const world = new World(upstream, gateway, await Inspector.attach(gateway));
    await world.newSession();
    return world;
  }

  constructor(upstream: RecordingUpstream, gateway: SpawnedGateway, inspector: Inspector) {
    this.upstream = this.cleanup.add(upstream);
    this.gateway = this.cleanup.add(gateway);
    this.#inspector = this.cleanup.add(inspector);
    this.wire = this.cleanup.add(new Wire(Number(new URL(gateway.url).port)));
  }

  get identity(): Identity {
    return { proof: [], session: this.#session };
  }

  /** The session the legacy kinds use; one that was ended by accident is no finding. */
  async newSession(): Promise<void> {
    const request = draft('initialize', this.identity);
    const answer = await this.wire.ask(serialize(request));
    this.#session = answer.headers.get('mcp-session-id') ?? '';
    if (this.#session === '') throw new Error(`no session: ${answer.status} ${answer.body}`);
  }

  /** Bytes with their placeholders replaced by what this run has. */
  filledIn(bytes: Buffer): Buffer {
    const token = this.identity.proof[0]?.[1].slice('Bearer '.length) ?? '';
    const text = bytes.toString('latin1').replaceAll('@SESSION@', this.#session).replaceAll('@TOKEN@', token);
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
