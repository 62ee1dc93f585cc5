import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { TlsConfig } from '#libs/config';
import { EgressGuard } from '#libs/egress';
import type { TransportTls, UpstreamTarget } from '#libs/plugin';
import { type Identity, TestAuthority } from '../../testing/certificates.js';
import { Conversation, testTarget } from '../../testing/index.js';
import { recordingLog, serverOf } from '../../testing/registries.js';
import { result } from '../../testing/scripted-server.js';
import { toTarget } from '../../upstream/target.js';
import { TlsFiles } from '../../upstream/tls-files.js';
import { StreamableHttpTransport } from './streamable-http.transport.js';

const authority = TestAuthority.create();
const transport = new StreamableHttpTransport(new EgressGuard());
const dir = mkdtempSync(join(tmpdir(), 'tls-files-'));

afterAll(() => {
  authority?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A server of our authority, and the names of the client certificates it saw. */
class TlsServer {
  readonly seen: (string | undefined)[] = [];
  handshakes = 0;
  readonly #server: Server;

  constructor(identity: Identity, asksForCertificate = false) {
    const options = {
      ...identity,
      ca: authority?.cert,
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
    };
    this.#server = createServer(options, (request, response) => {
      const peer = (request.socket as TLSSocket).getPeerCertificate();
      this.seen.push(peer?.subject?.CN as string | undefined);
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(result(1));
      });
    });
    this.#server.on('connection', () => {
      this.handshakes += 1;
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  url(host = 'localhost'): string {
    return `https://${host}:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

async function ask(target: UpstreamTarget) {
  const talk = await Conversation.open(transport, target);
  try {
    return await talk.ask('ping').response;
  } finally {
    await talk.connection.close();
  }
}

async function askOnce(url: string, tls?: TransportTls) {
  const target = testTarget({ url, ...(tls && { tls }) });
  try {
    return await ask(target);
  } finally {
    await transport.release(target);
  }
}

describe.skipIf(!authority)('streamable HTTP over TLS', () => {
  let server: TlsServer;

  beforeAll(async () => {
    server = await new TlsServer(authority?.issue('localhost') as Identity).listen();
  });

  afterAll(() => server.close());

  afterEach(() => {
    server.seen.length = 0;
  });

  it('T192: trusts nobody without a reason', async () => {
    await expect(askOnce(server.url())).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      notExecuted: true,
      message: expect.stringMatching(/certificate nobody here trusts \(\w+\); name its CA in connection\.tls\.ca_file/),
    });
    expect(server.seen).toEqual([]);
  });

  it('T192: trusts the CA it is given, for the names of the certificate', async () => {
    const tls = { ca: authority?.cert as string, insecureSkipVerify: false };
    expect((await askOnce(server.url(), tls)).result).toEqual({});
    await expect(askOnce(server.url('127.0.0.1'), tls)).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining('has a certificate for another name than 127.0.0.1'),
    });
    expect(server.seen).toHaveLength(1);
  });

  it('T192: trusts no certificate that has expired', async () => {
    const old = await new TlsServer(authority?.issue('localhost', -1) as Identity).listen();
    const tls = { ca: authority?.cert as string, insecureSkipVerify: false };
    await expect(askOnce(old.url(), tls)).rejects.toThrow(/not valid today \(CERT_HAS_EXPIRED\)/);
    expect(old.seen).toEqual([]);
    await old.close();
  });

  it('T192: verifies nothing only when it is told so, for that upstream alone', async () => {
    expect((await askOnce(server.url('127.0.0.1'), { insecureSkipVerify: true })).result).toEqual({});
    await expect(askOnce(server.url('127.0.0.1'))).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
  });
});

describe.skipIf(!authority)('a client certificate', () => {
  let server: TlsServer;
  let target: UpstreamTarget;
  const files = { ca_file: join(dir, 'ca.pem'), cert_file: join(dir, 'cert.pem'), key_file: join(dir, 'key.pem') };
  const { lines, log } = recordingLog();

  const write = ({ cert, key }: Identity) => {
    writeFileSync(files.cert_file, cert);
    writeFileSync(files.key_file, key);
  };

  beforeAll(async () => {
    writeFileSync(files.ca_file, authority?.cert as string);
    server = await new TlsServer(authority?.issue('localhost') as Identity, true).listen();
    write(authority?.issue('gateway-one') as Identity);
    const tls = Object.assign(new TlsConfig(), files);
    target = toTarget(serverOf('secure', 'streamable-http', { url: server.url(), tls }), log);
  });

  afterAll(async () => {
    await transport.release(target);
    await server.close();
  });

  it('is shown to an upstream that asks for one, which takes nobody without', async () => {
    expect((await ask(target)).result).toEqual({});
    expect(server.seen).toEqual(['gateway-one']);
    const tls = { ca: authority?.cert as string, insecureSkipVerify: false };
    await expect(askOnce(server.url(), tls)).rejects.toMatchObject({ code: expect.stringMatching(/^UPSTREAM_/) });
    expect(server.seen).toHaveLength(1);
  });

  it('that was renewed is used for the next socket, without a restart', async () => {
    write(authority?.issue('gateway-two') as Identity);
    await vi.waitFor(
      async () => {
        await ask(target);
        expect(server.seen.at(-1)).toBe('gateway-two');
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(lines.at(-1)?.message).toMatch(/^secure: the files of connection\.tls were read again/);
  });

  it('that is half replaced keeps the old one in use', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const material = new TlsFiles('secure', Object.assign(new TlsConfig(), files), log);
      const before = material.current;
      rmSync(files.key_file);
      vi.advanceTimersByTime(2_000);
      expect(material.current).toBe(before);
      expect(lines.at(-1)).toMatchObject({
        level: 'warn',
        message: expect.stringMatching(/key_file cannot be read.*stays in use/),
      });
      write(authority?.issue('gateway-three') as Identity);
      vi.advanceTimersByTime(2_000);
      expect(material.current).not.toBe(before);
      expect(material.current).toBe(material.current);
    } finally {
      vi.useRealTimers();
    }
  });

  it('that is not there is said at once', () => {
    const tls = Object.assign(new TlsConfig(), { ca_file: join(dir, 'no-such.pem') });
    expect(() => toTarget(serverOf('a', 'streamable-http', { url: 'https://a.example', tls }), log)).toThrow(
      /^a: connection\.tls\.ca_file cannot be read .*check the path and its permissions$/,
    );
  });

  it('that does not fit its key fails the call and nothing else', async () => {
    const [one, two] = [authority?.issue('one'), authority?.issue('two')] as [Identity, Identity];
    const tls = { ca: authority?.cert as string, cert: one.cert, key: two.key, insecureSkipVerify: false };
    await expect(askOnce(server.url(), tls)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
  });
});
