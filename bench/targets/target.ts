import { type ClientSession, openSessions } from '../load/client-sessions.ts';
import type { Door } from '../load/door.ts';
import type { Running } from '../machine/processes.ts';
import { processTree } from '../machine/usage.ts';
import { Scraper } from './scraper.ts';
import { type Era, pathOf, type Shape, upstreamName } from './shape.ts';
import { toolName } from './tools.mjs';

const HOST = '127.0.0.1';

export interface TargetOptions {
  readonly scraped?: boolean;
  readonly auditFile?: string | undefined;
}

/** Something that is measured: a process, and where clients of it knock. */
export class Target {
  readonly running: Running;
  readonly door: Door;
  /** Where each call must leave a line; undefined where there is no audit. */
  readonly auditFile: string | undefined;
  readonly #scraper: Scraper | undefined;
  readonly #sessions = new Map<number, Promise<ClientSession[]>>();

  constructor(running: Running, door: Door, options: TargetOptions = {}) {
    this.running = running;
    this.door = door;
    this.auditFile = options.auditFile;
    if (options.scraped) this.#scraper = new Scraper(`http://${door.host}:${door.port}/metrics`);
  }

  /** The process with all its descendants. */
  pids(): number[] {
    return processTree(this.running.pid);
  }

  /** Sessions of as many callers; the same ones whenever as many are asked for. */
  sessions(count: number): Promise<ClientSession[]> {
    const known = this.#sessions.get(count) ?? openSessions(this.door, count);
    this.#sessions.set(count, known);
    return known;
  }

  /** Begins what goes on beside the calls while this is measured; returns what ends it. */
  besides(): () => void {
    return this.#scraper?.run() ?? (() => {});
  }

  /** What went wrong beside the calls. */
  get complaint(): string | undefined {
    if (!this.running.isAlive()) return `${this.running.name} has ended: ${this.running.output().slice(-1000)}`;
    return this.#scraper?.failure;
  }
}

interface DoorOptions {
  readonly port: number;
  readonly era: Era;
  readonly token?: (caller: number) => string;
}

/** The door of the bare proxy. */
export function floorDoor({ port, era }: DoorOptions): Door {
  return { ...proxyDoor(port, era), token: () => undefined, tellsView: true };
}

/** The door of a gateway; with authentication every caller has a token. */
export function gatewayDoor({ port, era, token }: DoorOptions): Door {
  return { ...proxyDoor(port, era), token: token ?? (() => undefined), tellsView: false };
}

/** The door of the upstream itself: there is only one behind it, and tools have their own names. */
export function directDoor(port: number, shape: Shape): Door {
  return {
    host: HOST,
    port,
    path: pathOf(shape, upstreamName(0)),
    era: shape.era,
    toolName: (_upstream, tool) => toolName(tool),
    token: () => undefined,
    tellsView: false,
  };
}

function proxyDoor(port: number, era: Era): Pick<Door, 'host' | 'port' | 'path' | 'era' | 'toolName'> {
  return {
    host: HOST,
    port,
    path: '/mcp',
    era,
    toolName: (upstream, tool) => `${upstreamName(upstream)}:${toolName(tool)}`,
  };
}
