import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ROOT, type Running, startProcess } from './processes.js';
import { http, RawSession } from './raw.js';
import type { ServerEntry } from './upstreams.js';
import { until } from './wait.js';

/** A configuration as its file spells it, sections left out at will. */
export interface FileConfig {
  readonly server?: Record<string, unknown>;
  readonly proxy?: Record<string, unknown>;
  readonly servers: readonly ServerEntry[];
  /** Any other section: `oauth`, `auth`, `api_keys`, … */
  readonly sections?: Record<string, unknown>;
}

export interface Gateway {
  /** Without a path: `http://127.0.0.1:port`. */
  readonly url: string;
  /** `/mcp`, or `/mcp/<name>`. */
  mcp(name?: string): string;
  close(): Promise<void>;
}

function document({ server, proxy, servers, sections }: FileConfig, port: number): string {
  return JSON.stringify({
    server: { url: `http://127.0.0.1:${port}`, port, ...server },
    proxy: { ...proxy, servers },
    log: { level: process.env['TEST_LOG_LEVEL'] ?? 'error' },
    ...sections,
  });
}

function endpoints(url: string): Pick<Gateway, 'url' | 'mcp'> {
  return { url, mcp: (name) => `${url}/mcp${name === undefined ? '' : `/${name}`}` };
}

/** A gateway in a process of its own, from the build, with its configuration file. */
export interface SpawnedGateway extends Gateway, Pick<Running, 'pid' | 'child' | 'output'> {
  readonly file: string;
  /** Writes the configuration file anew, as an operator would. */
  rewrite(config: FileConfig): void;
  /** The same with any text. */
  rewriteText(text: string): void;
}

export interface SpawnOptions {
  readonly port?: number;
  /** Flags for Node itself. */
  readonly node?: readonly string[];
  /** The file lies behind a symbolic link to a directory which is swapped at each change, as Kubernetes mounts it. */
  readonly mounted?: boolean;
  /** Variables of the gateway's environment, besides PATH and HOME. */
  readonly env?: Record<string, string>;
}

export async function spawnGateway(config: FileConfig, options: SpawnOptions = {}): Promise<SpawnedGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-gateway-test-'));
  const file = join(directory, options.mounted ? 'data/config.yaml' : 'config.yaml');
  const at = options.port ?? (await freePort());
  let version = 0;
  const rewriteText = (text: string): void => {
    if (!options.mounted) {
      writeFileSync(file, text);
      return;
    }
    const name = `version-${++version}`;
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'config.yaml'), text);
    symlinkSync(name, join(directory, 'data-next'));
    renameSync(join(directory, 'data-next'), join(directory, 'data'));
  };
  rewriteText(document(config, at));
  const bin = join(ROOT, 'bin/mcp-gateway.js');
  const running = startProcess([...(options.node ?? []), bin, 'serve', '--config', file], options.env);
  const url = `http://127.0.0.1:${at}`;
  const close = async () => {
    await running.close();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await until('the gateway is live', async () => {
      if (running.child.exitCode !== null) throw new Error(running.output());
      return (await http(`${url}/live`, { method: 'GET' })).status === 200;
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...endpoints(url),
    ...running,
    file,
    close,
    rewrite: (next) => rewriteText(document(next, at)),
    rewriteText,
  };
}

/** Waits until the named upstreams are in the lists of `/mcp`. */
export async function listed(gateway: Gateway, ...servers: string[]): Promise<void> {
  return listedFor({}, gateway, ...servers);
}

/** The same for a caller with these headers, who has to be allowed a tool of each. */
export async function listedFor(
  headers: Record<string, string>,
  gateway: Gateway,
  ...servers: string[]
): Promise<void> {
  const session = await RawSession.open(gateway.mcp(), { headers });
  try {
    await until(`tools of ${servers.join(', ')} are listed`, async () => {
      const names = await toolNames(session);
      return servers.every((server) => names.some((name) => name.startsWith(`${server}:`)));
    });
  } finally {
    await session.close();
  }
}

export async function toolNames(session: RawSession): Promise<string[]> {
  const names: string[] = [];
  for (let cursor: string | undefined, count = 0; count < 100; count++) {
    const { result } = await session.request('tools/list', cursor === undefined ? {} : { cursor });
    const page = (result ?? {}) as { tools?: { name: string }[]; nextCursor?: string };
    names.push(...(page.tools ?? []).map((tool) => tool.name));
    cursor = page.nextCursor;
    if (cursor === undefined) return names;
  }
  throw new Error('more than 100 pages of tools');
}
