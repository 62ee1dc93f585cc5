import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type FileConfig, listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { freePort, ROOT, startProcess } from '../support/processes.js';
import type { ServerEntry } from '../support/upstreams.js';
import { type Cleanup, until } from '../support/wait.js';

interface Settings {
  readonly server: Record<string, unknown>;
  readonly proxy: { readonly servers: readonly ServerEntry[] };
  readonly rate_limit?: readonly unknown[];
}

export interface Additions {
  /** Address for metrics, instead of the one inside the network of the containers. */
  readonly metrics: string;
  readonly more?: readonly ServerEntry[];
  readonly limits?: readonly unknown[];
}

/**
 * A gateway with the configuration of docker-compose.yml and its MCP servers, without containers: what differs is where
 * they are. The servers are the packages the file names, as they are installed here.
 */
export async function composed(cleanup: Cleanup, folder: string, additions: Additions): Promise<SpawnedGateway> {
  const text = readFileSync(join(ROOT, 'deploy/compose', folder, 'config.yaml'), 'utf8');
  const { proxy, rate_limit = [], server, ...sections } = parse(text) as Settings;
  const everything = await startEverything(cleanup);
  const servers = proxy.servers.map((entry) => here(entry, everything));
  const { url: _public, ...rest } = server;
  const config: FileConfig = {
    server: rest,
    servers: [...servers, ...(additions.more ?? [])],
    sections: {
      ...sections,
      metrics: { listen: additions.metrics },
      rate_limit: [...rate_limit, ...(additions.limits ?? [])],
    },
  };
  const gateway = cleanup.add(await spawnGateway(config));
  await listed(gateway, ...servers.map(({ name }) => name));
  return gateway;
}

function here(entry: ServerEntry, everything: string): ServerEntry {
  const connection = { ...(entry['connection'] as Record<string, unknown>) };
  if (connection['url'] === 'http://everything:3001/mcp') connection['url'] = everything;
  if (connection['command'] === 'npx') {
    const args = (connection['args'] as string[]).filter((argument) => !argument.startsWith('-'));
    const [name = '', ...more] = args.map((argument) => (argument === '/srv/files' ? join(ROOT, 'docs') : argument));
    connection['command'] = process.execPath;
    connection['args'] = [programOf(name), ...more];
  }
  return { ...entry, connection };
}

/** The program of a package `name@version`; the version has to be the one installed. */
function programOf(specification: string): string {
  const at = specification.lastIndexOf('@');
  const [name, wanted] = [specification.slice(0, at), specification.slice(at + 1)];
  const folder = join(ROOT, 'node_modules', name);
  const { bin, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
    version: string;
  };
  if (version !== wanted) throw new Error(`${name} is installed as ${version} and composed as ${wanted}`);
  return join(folder, Object.values(bin)[0] ?? '');
}

/** The service `everything`, with the command the compose file gives it. */
async function startEverything(cleanup: Cleanup): Promise<string> {
  const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: { everything: { command: string[] } };
  };
  const [, , specification = '', ...args] = services.everything.command;
  const port = await freePort();
  const running = cleanup.add(startProcess([programOf(specification), ...args], { PORT: String(port) }));
  await until('the server listens', () => running.output().includes(`listening on port ${port}`));
  return `http://127.0.0.1:${port}/mcp`;
}
