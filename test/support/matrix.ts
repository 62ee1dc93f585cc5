import type { Answers } from './client.js';
import { type AnyClient, GENERATIONS } from './clients.js';
import { type Gateway, listed, spawnGateway } from './gateway.js';
import { http, RICH, RICH_MODERN, sse, startRich, startRichModern, stdio } from './upstreams.js';
import { Cleanup } from './wait.js';

/** Every way a server is reached, and for each era what a client gets with nothing in between. */
const UPSTREAMS = ['legacy-http', 'legacy-stdio', 'legacy-sse', 'modern-http', 'modern-stdio'] as const;
type Upstream = (typeof UPSTREAMS)[number];

export interface Cell {
  readonly client: string;
  readonly upstream: Upstream | 'direct';
}

/** `direct` first: where that fails, the test or the fixture is wrong. */
export const CELLS: readonly Cell[] = Object.keys(GENERATIONS).flatMap((client) => {
  const upstreams = process.env['TEST_DIRECT_ONLY'] ? [] : UPSTREAMS;
  return (['direct', ...upstreams] as const).map((upstream) => ({ client, upstream }));
});

export const title = ({ client, upstream }: Cell): string => `${client} -> ${upstream}`;

/** The rich fixtures over every transport, and one gateway in front of all of them. Made once per test file. */
export class Matrix {
  readonly #servers = new Cleanup();
  readonly #clients = new Cleanup();
  readonly #direct = new Map<'legacy' | 'modern', string>();
  readonly #ready = new Map<Upstream, Promise<void>>();
  #gateway: Gateway | undefined;

  async start(): Promise<void> {
    const [legacy, overSse, modern] = await Promise.all([
      startRich(),
      startRich('--sse'),
      startRichModern('--era', 'modern'),
    ]);
    for (const server of [legacy, overSse, modern]) this.#servers.add(server);
    this.#direct.set('legacy', legacy.url).set('modern', modern.url);
    if (process.env['TEST_DIRECT_ONLY']) return;
    const servers = [
      http('legacy-http', legacy.url),
      stdio('legacy-stdio', RICH),
      sse('legacy-sse', overSse.url),
      http('modern-http', modern.url),
      stdio('modern-stdio', RICH_MODERN, ['--era', 'modern']),
    ];
    this.#gateway = this.#servers.add(await spawnGateway({ servers }));
  }

  /** Waits for an upstream once, so that one which does not come up fails its own cells only. */
  async #listed(upstream: Upstream): Promise<void> {
    const gateway = this.#gateway;
    if (!gateway) throw new Error('there is no gateway');
    const waiting = this.#ready.get(upstream) ?? listed(gateway, upstream);
    this.#ready.set(upstream, waiting);
    return waiting;
  }

  /** A client of a cell, closed after the test. */
  async connect({ client, upstream }: Cell, answers: Answers = {}): Promise<AnyClient> {
    const generation = GENERATIONS[client];
    if (!generation) throw new Error(`no client ${client}`);
    if (upstream !== 'direct') await this.#listed(upstream);
    const url = upstream === 'direct' ? this.#direct.get(generation.era) : this.#gateway?.mcp(upstream);
    return this.#clients.add(await generation.connect(url ?? '', answers));
  }

  async endClients(): Promise<void> {
    await this.#clients.close();
  }

  async close(): Promise<void> {
    await this.#clients.close();
    await this.#servers.close();
  }
}
