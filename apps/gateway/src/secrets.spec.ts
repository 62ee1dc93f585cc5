import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { request } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { configFrom, LiveConfig } from '#libs/config';
import { createLogger } from '#libs/logging';
import { createGateway } from './create-app.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that gives back whatever it was sent, in every kind of answer a gateway may want to explain. */
async function gossip(): Promise<string> {
  const server = createServer(({ url = '/', headers }, response) => {
    const said = `you sent ${headers.authorization ?? ''} ${headers['x-key'] ?? ''}`;
    const [status, type, body] = {
      '/text': [400, 'text/plain', said] as const,
      '/rpc': [
        500,
        'application/json',
        JSON.stringify({ jsonrpc: '2.0', error: { code: -1, message: said } }),
      ] as const,
      '/json': [200, 'application/json', JSON.stringify({ said })] as const,
    }[url] ?? [401, 'text/plain', said];
    response.writeHead(status, { 'content-type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('shows no secret in logs, errors, metrics or health, although upstreams fail and give secrets back', async () => {
  const url = await gossip();
  const credentials = {
    header: { type: 'header', header: 'x-key', value: 'canary-header-value' },
    bearer: { type: 'bearer', token: 'canary-bearer-token' },
    basic: { type: 'basic', username: 'joe', password: 'canary-basic-password' },
  };
  const http = Object.entries(credentials).flatMap(([name, auth]) =>
    ['text', 'rpc', 'json', 'denied'].map((path) => ({
      name: `${name}-${path}`,
      type: 'streamable-http',
      required: true,
      connection: { url: `${url}/${path}` },
      auth,
    })),
  );
  const told = 'process.stderr.write("given " + process.env.API_TOKEN + "\\n"); process.exit(1)';
  const child = {
    name: 'child',
    type: 'stdio',
    connection: { command: process.execPath, args: ['-e', told], env: { API_TOKEN: 'canary-child-token' } },
  };
  const settings = {
    server: { port: 0, session_key: 'canary-session-key-0123456789-0123456789' },
    metrics: { token: 'canary-metrics-token-0123456789-0123456789' },
    proxy: { servers: [...http, child] },
  };
  const written: string[] = [];
  const sink = { write: (line: string) => written.push(line) };
  const logger = createLogger({ level: 'trace', format: 'json', sink });
  const gateway = await createGateway({ live: new LiveConfig(configFrom(settings)), logger });
  closing.push(() => gateway.close({ timeout: 1_000 }));
  await expect
    .poll(() => gateway.upstreams().every(({ state }) => state === 'unreachable'), { timeout: 10_000 })
    .toBe(true);

  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`)));
  closing.push(() => client.close());
  for (const { name } of settings.proxy.servers) {
    const failed = client.callTool({ name: `${name}:x`, arguments: {} });
    await failed.catch((error: { message: string; data?: unknown }) => {
      written.push(error.message, JSON.stringify(error.data));
    });
  }
  for (const path of ['/ready', '/metrics', '/live'])
    written.push(await (await request(gateway.url + path)).body.text());
  written.push(JSON.stringify(gateway.upstreams()));

  const all = written.join('\n');
  expect(all).toContain('you sent');
  expect(all).toContain('given [secret]');
  expect(all).not.toContain('canary');
  expect(all).not.toContain(Buffer.from('joe:canary-basic-password').toString('base64').slice(0, 12));
});
