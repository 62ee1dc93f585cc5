import { join } from 'node:path';
import { freePort, ROOT, type Running, startProcess, untilOutput } from './processes.js';
import { until } from './wait.js';

const packages = (name: string): string => join(ROOT, 'node_modules/@modelcontextprotocol', name, 'dist/index.js');

export const RICH = join(ROOT, 'test/fixtures/rich-server/server.mjs');
export const RICH_MODERN = join(ROOT, 'test/fixtures/rich-modern-server/server.mjs');
export const EVERYTHING = packages('server-everything');
export const FILESYSTEM = packages('server-filesystem');
export const MEMORY = packages('server-memory');

/** An entry of `proxy.servers`, as the configuration file spells it. */
export type ServerEntry = Record<string, unknown> & { name: string; type: string };

export interface HttpServer extends Running {
  readonly url: string;
}

/** The rich fixture over Streamable HTTP, or over HTTP+SSE with the flag `--sse`. */
export async function startRich(...flags: string[]): Promise<HttpServer> {
  return startFixture(RICH, flags);
}

/** The rich fixture of the modern era over Streamable HTTP; `--era dual` makes it serve both. */
export async function startRichModern(...flags: string[]): Promise<HttpServer> {
  return startFixture(RICH_MODERN, flags);
}

async function startFixture(program: string, flags: readonly string[]): Promise<HttpServer> {
  const running = startProcess([program, ...(flags.includes('--sse') ? [] : ['--http']), ...flags]);
  const [, url = ''] = await untilOutput(running, /"url":"([^"]+)"/);
  return { ...running, url };
}

/** The official server-everything, over one of its HTTP transports. */
export async function startEverything(mode: 'streamableHttp' | 'sse'): Promise<HttpServer> {
  const port = await freePort();
  const running = startProcess([EVERYTHING, mode], { PORT: String(port) });
  const base = `http://127.0.0.1:${port}`;
  await until(`server-everything listens (${mode})`, async () => {
    if (running.child.exitCode !== null) throw new Error(running.output());
    const answer = await fetch(`${base}/nothing`);
    await answer.body?.cancel();
    return true;
  });
  return { ...running, url: `${base}/${mode === 'sse' ? 'sse' : 'mcp'}` };
}

/** A stdio upstream that runs a Node program. */
export function stdio(name: string, program: string, args: readonly string[] = [], more: object = {}): ServerEntry {
  const connection = { command: process.execPath, args: [program, ...args], ...more };
  return { name, type: 'stdio', connection };
}

export function http(name: string, url: string, more: object = {}): ServerEntry {
  return { name, type: 'streamable-http', connection: { url, ...more } };
}

export function sse(name: string, url: string, more: object = {}): ServerEntry {
  return { name, type: 'sse', connection: { url, ...more } };
}
