import { once } from 'node:events';
import { type FileConfig, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { descendants, freePort, isAlive } from '../support/processes.js';
import { Cleanup, until } from '../support/wait.js';
import { Balancer } from './balancer.js';

/** Gateway processes with one configuration behind a balancer, which are restarted one at a time. */
export class Fleet {
  readonly #gateways: SpawnedGateway[] = [];

  private constructor(
    readonly balancer: Balancer,
    private readonly config: FileConfig,
    private readonly ports: readonly number[],
  ) {}

  static async start(size: number, config: FileConfig, cleanup: Cleanup): Promise<Fleet> {
    const ports = await Promise.all(Array.from({ length: size }, freePort));
    const fleet = new Fleet(cleanup.add(await Balancer.start(ports)), config, ports);
    cleanup.run(() => fleet.#close());
    await Promise.all(ports.map((_port, index) => fleet.#start(index)));
    return fleet;
  }

  get size(): number {
    return this.ports.length;
  }

  get url(): string {
    return `${this.balancer.url}/mcp`;
  }

  /** As a process manager does it: TERM, wait for the end, start again. Resolves when the balancer has it back. */
  async restart(index: number): Promise<{ readonly exit: number | null; readonly orphans: readonly number[] }> {
    const { child, pid, close } = this.#at(index);
    const children = descendants(pid);
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
    const exit = child.exitCode;
    const orphans = children.filter(isAlive);
    await close();
    await this.#start(index);
    return { exit, orphans };
  }

  async #start(index: number): Promise<void> {
    const port = this.ports[index] ?? 0;
    this.#gateways[index] = await spawnGateway(this.config, { port });
    await until('the balancer has the process', () => this.balancer.isReady(port), 60_000);
  }

  #at(index: number): SpawnedGateway {
    const gateway = this.#gateways[index];
    if (!gateway) throw new Error(`there is no process ${index}`);
    return gateway;
  }

  async #close(): Promise<void> {
    // Nobody waits for an answer any more: the second signal ends them at once.
    await Promise.all(this.#gateways.map((gateway) => gateway.close()));
  }
}
