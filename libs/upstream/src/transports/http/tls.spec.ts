import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TransportTls, UpstreamTarget } from '#libs/plugin';
import { Conversation, testTarget } from '../../testing/index.js';
import { result } from '../../testing/scripted-server.js';
import { StreamableHttpTransport } from './streamable-http.transport.js';

/** A key and a certificate for localhost, made on the spot; undefined where openssl is not installed. */
function selfSigned(): { key: string; cert: string } | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'tls-'));
  try {
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const identity = selfSigned();

describe.skipIf(!identity)('streamable HTTP over TLS', () => {
  const transport = new StreamableHttpTransport();
  let server: Server;

  beforeAll(async () => {
    server = createServer(identity ?? {}, (request, response) => {
      request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(result(1)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });

  async function ask(host: string, tls?: TransportTls) {
    const target: UpstreamTarget = testTarget({
      url: `https://${host}:${(server.address() as AddressInfo).port}/mcp`,
      ...(tls && { tls }),
    });
    const talk = await Conversation.open(transport, target);
    try {
      return await talk.ask('ping').response;
    } finally {
      await talk.connection.close();
      await transport.release(target);
    }
  }

  it('trusts nobody without a reason', async () => {
    await expect(ask('localhost')).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      notExecuted: true,
      message: expect.stringMatching(/certificate nobody here trusts \(\w+\); name its CA in connection\.tls\.ca_file/),
    });
  });

  it('trusts the CA it is given, for the names of the certificate', async () => {
    const tls = { ca: identity?.cert as string, insecureSkipVerify: false };
    expect((await ask('localhost', tls)).result).toEqual({});
    await expect(ask('127.0.0.1', tls)).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining('has a certificate for another name than 127.0.0.1'),
    });
  });

  it('verifies nothing only when it is told so', async () => {
    expect((await ask('127.0.0.1', { insecureSkipVerify: true })).result).toEqual({});
  });
});
