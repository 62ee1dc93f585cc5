import { type FileConfig, listedFor, type SpawnedGateway, type SpawnOptions, spawnGateway } from './gateway.js';
import { callTool, type ModernReply, modernBody, modernHeaders } from './modern.js';
import { type RawAnswer, RawSession } from './raw.js';
import { type RecordingOptions, RecordingUpstream } from './recording-upstream.js';
import { http as httpServer } from './upstreams.js';
import type { Cleanup } from './wait.js';

export interface GuardedOptions extends Partial<Omit<FileConfig, 'servers'>> {
  readonly upstream?: RecordingOptions;
  readonly spawn?: SpawnOptions;
  /** Headers of a caller who may use the tools. */
  readonly caller?: Record<string, string>;
  /** Of the server's entry in the configuration. */
  readonly entry?: object;
}

/** A gateway in a process of its own, and behind it a server, `rec`, that remembers what got through. */
export class Guarded {
  private constructor(
    readonly gateway: SpawnedGateway,
    readonly upstream: RecordingUpstream,
    readonly caller: Record<string, string>,
    private readonly config: FileConfig,
  ) {}

  static async start(cleanup: Cleanup, options: GuardedOptions = {}): Promise<Guarded> {
    const { upstream: offer, spawn, caller = {}, entry = {}, ...config } = options;
    const upstream = cleanup.add(await RecordingUpstream.start(offer));
    const file = { ...config, servers: [{ ...httpServer('rec', upstream.url), ...entry }] };
    const gateway = cleanup.add(await spawnGateway(file, spawn));
    await listedFor(caller, gateway, 'rec');
    upstream.journal.forget();
    return new Guarded(gateway, upstream, caller, file);
  }

  /** Writes the configuration anew, with other sections. */
  rewrite(change: Partial<FileConfig>): void {
    this.gateway.rewrite({ ...this.config, ...change });
  }

  get url(): string {
    return this.gateway.url;
  }

  get mcp(): string {
    return this.gateway.mcp();
  }

  /** What clients had done at the server since the last look. */
  deeds(): readonly string[] {
    const deeds = [...this.upstream.journal.deeds];
    this.upstream.journal.forget();
    return deeds;
  }

  session(headers: Record<string, string> = this.caller): Promise<RawSession> {
    return RawSession.open(this.mcp, { headers });
  }

  /** A modern call of a tool of the server. */
  call(headers: Record<string, string> = {}, tool = 'rec:read'): Promise<ModernReply> {
    const own = modernHeaders('tools/call', { name: tool });
    return callTool(this.mcp, tool, {}, { headers: { ...own, ...this.caller, ...headers } });
  }
}

/** A call in each era, with the headers it needs: what a test spoils, and its twin that is let through. */
export async function bothEras(
  guarded: Guarded,
): Promise<{ era: string; headers: Record<string, string>; body: string }[]> {
  const session = await guarded.session();
  const params = { name: 'rec:read', arguments: {} };
  return [
    {
      era: 'legacy',
      headers: session.headers,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    },
    {
      era: 'modern',
      headers: { ...modernHeaders('tools/call', params), ...guarded.caller },
      body: modernBody('tools/call', params),
    },
  ];
}

export type { RawAnswer };
