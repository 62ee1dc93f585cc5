import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { IdentityProvider, USER } from '../support/idp.js';
import { commandLine, descendants, freePort, ROOT } from '../support/processes.js';
import { http, RawSession } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { Cleanup, until } from '../support/wait.js';
import { ImageTree } from './image-tree.js';
import { Container, noSandbox, WRITABLE, writableMounts } from './sandbox.js';

const why = noSandbox();
const KEY = 'the-key-of-n8n-0123456789-abcdefghijkl';
/** The address of the published configuration; the port it is reached at differs, so that tests do not meet. */
const PUBLIC = 'http://localhost:8082/mcp';

const cleanup = new Cleanup();
const containers = new Cleanup();
afterEach(() => containers.close());
afterAll(() => cleanup.close(), 300_000);

describe.skipIf(why !== undefined)(`the files of the image${why === undefined ? '' : ` (SKIPPED: ${why})`}`, () => {
  let tree: ImageTree;
  let idp: IdentityProvider;
  let upstream: RecordingUpstream;
  let port: number;

  beforeAll(async () => {
    tree = ImageTree.build('slim');
    cleanup.run(() => tree.close());
    idp = cleanup.add(await IdentityProvider.start({ path: '/oauth2/default', clients: [] }));
    idp.serve(PUBLIC, { audience: 'api://default' });
    upstream = cleanup.add(await RecordingUpstream.start());
    port = await freePort();
  }, 300_000);

  /** `docker run -e OKTA_ISSUER=… -e N8N_URL=… -e N8N_PROXY_KEY=… IMAGE serve`, on loopback. */
  const serve = (): Container =>
    containers.add(
      Container.run(
        tree,
        {
          ...{ OKTA_ISSUER: idp.issuer, N8N_URL: upstream.url, N8N_PROXY_KEY: KEY },
          ...{ MCP_GATEWAY_HOST: '127.0.0.1', MCP_GATEWAY_PORT: String(port) },
        },
        ['serve'],
      ),
    );

  const ready = (container: Container) =>
    until('the gateway is ready', async () => {
      if (container.process.exitCode !== null) throw new Error(container.output());
      return (await http(`http://127.0.0.1:${port}/ready`, { method: 'GET' })).status === 200;
    });

  const health = (route: string) =>
    spawnSync(process.execPath, [join(tree.root, 'opt/mcp-gateway/healthcheck.mjs'), route], {
      env: { MCP_GATEWAY_PORT: String(port) },
      encoding: 'utf8',
    });

  it('serve the published configuration under a read-only root, as uid 1000 without capabilities', async () => {
    const container = serve();
    await ready(container);
    const first = await container.first();
    const [node = 0] = descendants(first);
    expect(commandLine(node).split(' ').slice(0, 3)).toEqual(['node', '/opt/mcp-gateway/bin/mcp-gateway.js', 'serve']);
    const status = readFileSync(`/proc/${node}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\s+1000\s+1000\s+1000\s+1000$/m);
    expect(status).toMatch(/^Groups:\s*$/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(readFileSync(`/proc/${first}/status`, 'utf8')).toMatch(/^NSpid:\s+\d+\s+1$/m);
    expect(writableMounts(node)).toEqual([...WRITABLE].sort());

    const token = await idp.token({ client: USER.id, resource: PUBLIC });
    const headers = { host: 'localhost:8082', authorization: `Bearer ${token}` };
    const session = await RawSession.open(`http://127.0.0.1:${port}/mcp`, { headers });
    const { result } = await session.request('tools/call', { name: 'n8n:read', arguments: {} });
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'read was called' }] });
    expect(upstream.journal.work.at(-1)?.headers['x-n8n-key']).toBe(KEY);
    await session.close();
  });

  it('tell the health check how they are, and leave with 0 on SIGTERM', async () => {
    const container = serve();
    await ready(container);
    for (const route of ['live', 'ready']) {
      expect(health(route)).toMatchObject({ status: 0, stdout: expect.stringContaining('answered 200') });
    }
    expect(await container.stop()).toBe(0);
    expect(health('live')).toMatchObject({ status: 1, stdout: expect.stringContaining('did not answer') });
  });

  it('say which variable is missing where one is', async () => {
    const container = containers.add(Container.run(tree, {}, ['serve']));
    expect(await container.exited()).toBe(1);
    expect(container.output()).toContain('/etc/mcp-gateway/config.yaml');
    for (const name of ['OKTA_ISSUER', 'N8N_URL', 'N8N_PROXY_KEY']) expect(container.output()).toContain(name);
  });

  it('have no package that only development needs', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
    };
    const modules = join(tree.root, 'opt/mcp-gateway');
    const development = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev);
    expect(development.length).toBeGreaterThan(Object.keys(devDependencies).length);
    expect(development.filter(([path]) => existsSync(join(modules, path))).map(([path]) => path)).toEqual([]);
  });
});
