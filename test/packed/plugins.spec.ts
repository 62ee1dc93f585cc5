import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ticketFor } from '../../examples/plugins/portal-tickets/ticket.js';
import { connect, type Peer, textOf } from '../support/client.js';
import { type Installed, installPacked } from '../support/packed.js';
import { freePort, ROOT, startProcess } from '../support/processes.js';
import { http, initializeBody } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { EVERYTHING } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const EXAMPLES = join(ROOT, 'examples/plugins');
const PLUGINS = ['portal-tickets', 'redact', 'signed-caller', 'tcp-lines'];
const PORTAL_KEY = 'a key that is shared with the portal';
const ORDERS_KEY = 'a key that is shared with orders, 36';

const cleanup = new Cleanup();
let installed: Installed;
beforeAll(() => {
  installed = cleanup.add(installPacked(['vitest']));
  cpSync(EXAMPLES, join(installed.folder, 'plugins'), { recursive: true });
});
afterAll(() => cleanup.close());

/** A real server that speaks stdio, behind a TCP port. */
async function everythingOverTcp(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const child = spawn(process.execPath, [EVERYTHING, 'stdio'], { stdio: ['pipe', 'pipe', 'ignore'] });
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
    sockets.add(socket);
    for (const end of [socket, child.stdin, child.stdout]) end.on('error', () => {});
    socket.on('close', () => child.kill());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.run(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

describe('the plug-ins of examples/', () => {
  it('are those that the pages name, each with its own package, page and spec', () => {
    const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(PLUGINS);
    for (const name of PLUGINS) {
      expect(readdirSync(join(EXAMPLES, name))).toEqual(
        expect.arrayContaining(['README.md', 'index.js', 'index.spec.js', 'package.json']),
      );
      const { peerDependencies } = JSON.parse(readFileSync(join(EXAMPLES, name, 'package.json'), 'utf8'));
      expect(Object.keys(peerDependencies)).toEqual(['mcp-gateway']);
      expect(readFileSync(join(ROOT, 'docs/extending.md'), 'utf8')).toContain(`| \`${name}\` |`);
    }
  });

  it.each(PLUGINS)(
    'load with the configuration on their own page: %s',
    async (name) => {
      const page = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
      const [, example = ''] = /```yaml not-config\n([\s\S]*?)```/.exec(page) ?? [];
      writeFileSync(join(installed.folder, `${name}.yaml`), example);
      const args = ['mcp-gateway', 'validate', '--config', `${name}.yaml`];
      const validating = installed.npx(args, { PORTAL_KEY, ORDERS_KEY });
      await until('validate ends', () => validating.child.exitCode !== null, 60_000);
      expect([validating.child.exitCode, validating.output()]).toEqual([0, expect.stringContaining('is valid')]);
      expect(example).toContain(`./plugins/${name}/index.js`);
    },
    90_000,
  );

  it('pass the contract suites of the packed gateway, from outside of the tree', async () => {
    const vitest = join(installed.folder, 'node_modules/vitest/vitest.mjs');
    const report = join(installed.folder, 'report.json');
    const args = [vitest, 'run', 'plugins', '--reporter=json', `--outputFile=${report}`, '--maxWorkers=1'];
    const running = cleanup.add(startProcess(args, {}, installed.folder));
    await until('the specs of the plug-ins end', () => running.child.exitCode !== null, 240_000);
    const { numTotalTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    ) as {
      numTotalTests: number;
      numFailedTests: number;
      numPendingTests: number;
      testResults: { name: string; message: string; assertionResults: { status: string; fullName: string }[] }[];
    };
    const failed = testResults.flatMap(({ message, assertionResults }) => [
      message,
      ...assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    ]);
    expect(failed.filter(Boolean)).toEqual([]);
    expect([numFailedTests, running.child.exitCode, testResults.length]).toEqual([0, 0, PLUGINS.length]);
    for (const { name, assertionResults } of testResults)
      expect([name, assertionResults.length > 5]).toEqual([name, true]);
    // Credentials that differ per caller need not be the same for everybody.
    expect(numPendingTests).toBe(1);
    expect(numTotalTests).toBeGreaterThan(45);
  }, 300_000);

  describe('in one gateway', () => {
    let orders: RecordingUpstream;
    let ada: Peer;
    let url: string;
    beforeAll(async () => {
      orders = cleanup.add(await RecordingUpstream.start());
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      const config = {
        server: { url, port },
        plugins: PLUGINS.map((name) => `./plugins/${name}/index.js`),
        oauth: {
          enabled: true,
          provider: 'portal',
          authorization_servers: ['https://portal.example.com'],
          audience: ['mcp'],
          portal: { key: '${PORTAL_KEY}' },
        },
        auth: { claims: ['groups'], mappings: { 'groups:User': ['user'] }, permissions: { '*:*': ['user'] } },
        proxy: {
          servers: [
            { name: 'all', type: 'tcp-lines', connection: { port: await everythingOverTcp() } },
            {
              name: 'orders',
              type: 'streamable-http',
              connection: { url: orders.url },
              auth: { type: 'signed-caller', key: '${ORDERS_KEY}' },
            },
          ],
        },
      };
      writeFileSync(join(installed.folder, 'gateway.json'), JSON.stringify(config));
      const serving = installed.npx(['mcp-gateway', 'serve', '--config', 'gateway.json'], { PORTAL_KEY, ORDERS_KEY });
      await until('the gateway is live', async () => {
        if (serving.child.exitCode !== null) throw new Error(serving.output());
        return (await http(`${url}/live`, { method: 'GET' })).status === 200;
      });
      const exp = Math.floor(Date.now() / 1000) + 3600;
      const ticket = ticketFor(PORTAL_KEY, { sub: 'ada', aud: 'mcp', exp, groups: ['User'] });
      ada = cleanup.add(await connect(`${url}/mcp`, { headers: { authorization: `Bearer ${ticket}` } }));
      await until('both servers are listed', async () => {
        const names = (await ada.tools()).map(({ name }) => name);
        return names.includes('all:echo') && names.some((name) => name.startsWith('orders:'));
      });
    }, 120_000);

    it('let in nobody without a good ticket', async () => {
      const forged = ticketFor('a key that nobody shares with anybody', {
        sub: 'ada',
        aud: 'mcp',
        exp: Math.floor(Date.now() / 1000) + 3600,
        groups: ['User'],
      });
      const strangers: Record<string, string>[] = [{}, { authorization: `Bearer ${forged}` }];
      for (const headers of strangers) {
        expect((await http(`${url}/mcp`, { headers, body: initializeBody({}) })).status).toBe(401);
      }
    });

    it('reach a server over TCP, whose answers are redacted', async () => {
      expect(textOf(await ada.call('all:echo', { message: 'card 4111 1111 1111 1111' }))).toBe('Echo: card [redacted]');
    });

    it('tell an upstream who called, signed', async () => {
      const { name } = (await ada.tools()).find((tool) => tool.name.startsWith('orders:'))!;
      orders.journal.forget();
      await ada.call(name, {});
      const called = await until('orders was called', () =>
        orders.journal.arrivals.items.find(({ rpc }) => rpc.method === 'tools/call'),
      );
      const text = String(called.headers['x-caller']);
      expect(JSON.parse(Buffer.from(text, 'base64url').toString())).toMatchObject({
        iss: 'https://portal.example.com',
        sub: 'ada',
        aud: 'orders',
      });
      const signature = createHmac('sha256', ORDERS_KEY).update(text).digest('base64url');
      expect(called.headers['x-caller-signature']).toBe(signature);
      expect(called.headers['authorization']).toBeUndefined();
    });
  });
});

describe('a plug-in for another gateway', () => {
  it.each([
    [
      'a newer extension API',
      "api: '1.99'",
      /for extension API 1\.99, this gateway has 1\.\d+\.\d+; install a version of the plug-in/,
    ],
    ['another major', "api: '2.0'", /for extension API 2\.0/],
  ])(
    'is refused at the start: %s',
    async (_what, api, says) => {
      const source = readFileSync(join(EXAMPLES, 'redact/index.js'), 'utf8').replace("api: '1.1'", api);
      expect(source).toContain(api);
      writeFileSync(join(installed.folder, 'foreign.mjs'), source);
      writeFileSync(join(installed.folder, 'foreign.yaml'), 'plugins: [./foreign.mjs]\n');
      const serving = installed.npx(['mcp-gateway', 'serve', '--config', 'foreign.yaml', '--port', '0']);
      await until('serve gives up', () => serving.child.exitCode !== null, 60_000);
      expect(serving.child.exitCode).not.toBe(0);
      expect(serving.output()).toMatch(says);
    },
    90_000,
  );
});
