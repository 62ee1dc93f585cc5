import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IdentityProvider, type IdpClient } from './idp.js';
import { freePort, ROOT, startProcess } from './processes.js';
import { http } from './raw.js';
import { RecordingUpstream } from './recording-upstream.js';
import { type Cleanup, until } from './wait.js';

/** What Okta's default authorization server puts into every token, whatever resource a client names. */
const AUDIENCE = 'api://default';

/** Replaces one passage of the published file; for the files that add to it. */
export type Edit = (text: string) => string;

/** The gateway as its published configuration has it, between a real identity provider and a server that remembers. */
export class Published {
  /** The key the server has to be shown. */
  static readonly key = 'the-key-of-n8n-0123456789-abcdefghijkl';

  private constructor(
    readonly idp: IdentityProvider,
    readonly upstream: RecordingUpstream,
    /** The URL clients know, word for word. */
    readonly mcp: string,
    /** Its configuration file. */
    readonly text: string,
  ) {}

  static async start(cleanup: Cleanup, clients: readonly IdpClient[], edit: Edit = (text) => text): Promise<Published> {
    const idp = cleanup.add(await IdentityProvider.start({ path: '/oauth2/default', clients }));
    const upstream = cleanup.add(await RecordingUpstream.start());
    const port = await freePort();
    const mcp = `http://localhost:${port}/mcp`;
    idp.serve(mcp, { audience: AUDIENCE });
    const published = readFileSync(join(ROOT, 'config/examples/published-1.yaml'), 'utf8');
    const text = edit(published.replace('http://localhost:8082', `http://localhost:${port}`));
    const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-published-'));
    cleanup.run(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'config.yaml');
    writeFileSync(file, text);
    const env = { OKTA_ISSUER: idp.issuer, N8N_URL: upstream.url, N8N_PROXY_KEY: Published.key };
    const args = ['serve', '--config', file, '--port', String(port), '--log-level', 'warn'];
    const gateway = cleanup.add(startProcess([join(ROOT, 'bin/mcp-gateway.js'), ...args], env));
    await until('the gateway is ready', async () => {
      if (gateway.child.exitCode !== null) throw new Error(gateway.output());
      return (await http(`http://localhost:${port}/ready`, { method: 'GET' })).status === 200;
    });
    await until('the gateway has asked the server what it has', () =>
      upstream.journal.arrivals.items.some(({ rpc }) => rpc.method === 'resources/templates/list'),
    );
    upstream.journal.forget();
    return new Published(idp, upstream, mcp, text);
  }
}
