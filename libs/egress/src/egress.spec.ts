import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { addressKind, EgressClient, EgressError, EgressGuard, guardedConnect, inNetwork } from './index.js';

describe('addressKind', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['2606:4700::1', 'public'],
    ['127.0.0.1', 'private'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['198.18.0.1', 'private'],
    ['203.0.113.7', 'private'],
    ['::1', 'private'],
    ['[::1]', 'private'],
    ['fd12::1', 'private'],
    ['2001::1', 'private'],
    ['64:ff9b:1::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::a00:1', 'private'],
    ['2002:7f00:1::', 'private'],
    ['64:ff9b::808:808', 'public'],
    ['169.254.169.254', 'forbidden'],
    ['::ffff:169.254.169.254', 'forbidden'],
    ['64:ff9b::a9fe:a9fe', 'forbidden'],
    ['2002:a9fe:a9fe::', 'forbidden'],
    ['fe80::1%eth0', 'forbidden'],
    ['fd00:ec2::254', 'forbidden'],
    ['100.100.100.200', 'forbidden'],
    ['0.0.0.0', 'forbidden'],
    ['0.1.2.3', 'forbidden'],
    ['::', 'forbidden'],
    ['224.0.0.1', 'forbidden'],
    ['ff02::1', 'forbidden'],
    ['255.255.255.255', 'forbidden'],
    ['nonsense', 'forbidden'],
  ])('%s is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });

  it('finds an address in a network', () => {
    expect(inNetwork('10.1.2.3', '10.0.0.0/8')).toBe(true);
    expect(inNetwork('::ffff:10.1.2.3', '10.0.0.0/8')).toBe(true);
    expect(inNetwork('10.1.2.3', '10.1.2.3')).toBe(true);
    expect(inNetwork('11.1.2.3', '10.0.0.0/8')).toBe(false);
    expect(inNetwork('::1', '10.0.0.0/8')).toBe(false);
    expect(inNetwork('10.1.2.3', 'nonsense')).toBe(false);
  });
});

describe('EgressGuard', () => {
  const guard = (policy: Partial<{ allow_private: boolean; deny: string[] }> = {}, found = ['93.184.216.34']) =>
    new EgressGuard(() => ({ allow_private: true, deny: [], ...policy }), ((
      _name: string,
      _options: object,
      callback: (error: null, all: object[]) => void,
    ) =>
      callback(
        null,
        found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as never);

  it.each([
    ['http://127.0.0.1:1/', 'operator'],
    ['http://n8n.svc/', 'operator'],
    ['https://idp.example/', 'discovered'],
  ] as const)('admits %s from %s', (url, trust) => {
    expect(guard().checkUrl(url, trust).href).toBe(url);
  });

  it.each([
    ['file:///etc/passwd', 'operator'],
    ['gopher://x/', 'operator'],
    ['nonsense', 'operator'],
    ['http://user@host/', 'operator'],
    ['http://169.254.169.254/latest', 'operator'],
    ['http://metadata.google.internal./', 'operator'],
    ['http://idp.example/', 'discovered'],
    ['https://127.0.0.1/', 'discovered'],
    ['https://0x7f.1/', 'discovered'],
    ['https://2130706433/', 'discovered'],
    ['https://①②⑦.0.0.1/', 'discovered'],
    ['https://[::ffff:10.0.0.1]/', 'discovered'],
    ['https://[64:ff9b::a00:1]/', 'discovered'],
    ['https://127.0.0.1./', 'discovered'],
    ['https://ⓛocalhost.example@10.0.0.1/', 'discovered'],
    ['https://[::1]/', 'discovered'],
    ['https://[fd00:ec2::254]/', 'operator'],
    ['https://[2002:7f00:1::]/', 'discovered'],
    ['javascript:alert(1)', 'discovered'],
  ] as const)('refuses %s from %s', (url, trust) => {
    expect(() => guard().checkUrl(url, trust)).toThrow(/does not contact/);
  });

  it('takes a discovered URL of the origin it came from for as good as that', () => {
    const origin = 'http://127.0.0.1:9000';
    expect(guard().checkUrl('http://127.0.0.1:9000/token', 'discovered', origin).pathname).toBe('/token');
    expect(() => guard().checkUrl('http://127.0.0.1:9001/token', 'discovered', origin)).toThrow(/https/);
    expect(() => guard({ allow_private: false }).checkUrl(`${origin}/token`, 'discovered', origin)).toThrow(/private/);
  });

  it('follows proxy.egress', () => {
    expect(() => guard({ allow_private: false }).checkUrl('http://10.0.0.1/', 'operator')).toThrow(/allow_private/);
    expect(() => guard({ deny: ['*.corp.example'] }).checkUrl('https://x.corp.example/', 'operator')).toThrow(/deny/);
    expect(() => guard({ deny: ['10.0.0.0/8'] }).checkUrl('http://10.9.9.9/', 'operator')).toThrow(/deny/);
    expect(guard({ deny: ['*.corp.example'] }).checkUrl('https://corp.example/', 'operator').host).toBe('corp.example');
  });

  const lookedUp = (it: EgressGuard, trust: 'operator' | 'discovered', all: boolean) =>
    new Promise((resolve) => {
      it.lookup(trust)('host.example', { all }, (error, address) => resolve(error ? error.message : address));
    });

  it('T136: lets only good addresses out of a lookup, each time anew', async () => {
    const found = ['10.0.0.1', '93.184.216.34', '::1'];
    const mixed = guard({}, found);
    expect(await lookedUp(mixed, 'discovered', true)).toEqual([{ address: '93.184.216.34', family: 4 }]);
    expect(await lookedUp(mixed, 'discovered', false)).toBe('93.184.216.34');
    expect(await lookedUp(mixed, 'operator', true)).toHaveLength(3);
    found.splice(1, 1);
    expect(await lookedUp(mixed, 'discovered', true)).toMatch(
      /does not contact host\.example: 10\.0\.0\.1 is a private/,
    );
    expect(await lookedUp(guard({}, ['169.254.169.254']), 'operator', true)).toMatch(/metadata/);
  });
});

describe('EgressClient', () => {
  const opened: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of opened.splice(0)) await close();
  });

  async function serve(listener: RequestListener): Promise<{ url: string; client: EgressClient; server: Server }> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const client = new EgressClient(new EgressGuard());
    opened.push(
      () => client.close(),
      () => new Promise((resolve) => server.close(resolve)),
    );
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, client, server };
  }

  const refused = async (work: Promise<unknown>) => {
    const error = await work.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EgressError);
    return (error as EgressError).kind;
  };

  it('posts forms and reads JSON', async () => {
    const { url, client } = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => response.end(JSON.stringify({ body, method: request.method })));
    });
    const answer = await client.json({ url, trust: 'operator', form: new URLSearchParams({ a: '1 2' }) });
    expect(answer).toMatchObject({ status: 200, body: { body: 'a=1+2', method: 'POST' } });
  });

  it('follows no redirect', async () => {
    const asked: string[] = [];
    const { url, client } = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await refused(client.json({ url: `${url}/a`, trust: 'operator' }))).toBe('redirect');
    expect(asked).toEqual(['/a']);
  });

  it('reads no more than it may, announced or not', async () => {
    const { url, client } = await serve((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', 5_000_000);
      response.write(Buffer.alloc(2_000, 0x20));
      const timer = setInterval(() => response.write(Buffer.alloc(65_536, 0x20)), 1);
      response.on('close', () => clearInterval(timer));
    });
    for (const path of ['/announced', '/endless']) {
      expect(await refused(client.json({ url: url + path, trust: 'operator', maxBytes: 1_000 }))).toBe('too_large');
    }
  });

  it('gives up in time, and on nobody at all', async () => {
    const { url, client } = await serve(() => {});
    expect(await refused(client.json({ url, trust: 'operator', timeout: 50 }))).toBe('timeout');
    expect(await refused(client.json({ url: 'http://127.0.0.1:1/', trust: 'operator' }))).toBe('unreachable');
  });

  it('goes on after requests that cannot be sent, however many', async () => {
    const { url, client } = await serve((_request, response) => response.end('{"ok":true}'));
    for (let count = 0; count < 20; count++) {
      const broken = client.json({ url, trust: 'operator', headers: { authorization: 'two\nlines' } });
      expect(await refused(broken)).toBe('unreachable');
    }
    expect(await client.json({ url, trust: 'operator' })).toMatchObject({ status: 200, body: { ok: true } });
  });

  it('uses no socket again that was opened under another policy', async () => {
    const sockets = new Set<unknown>();
    const { url, client } = await serve((request, response) => {
      sockets.add(request.socket);
      response.end('{}');
    });
    await client.json({ url, trust: 'operator' });
    client.renew();
    await client.json({ url, trust: 'operator' });
    expect(sockets.size).toBe(2);
  });

  it('closes with it what the policy before left under way', async () => {
    const { url, client, server } = await serve((_request, response) => void response.flushHeaders());
    const under = client.json({ url, trust: 'operator' });
    await once(server, 'request');
    client.renew();
    await client.close();
    expect(await refused(under)).toBe('unreachable');
  });

  it('keeps nothing of an attempt to connect that went well', async () => {
    const { url } = await serve(() => {});
    const { hostname, port } = new URL(url);
    const socket = await new Promise<Socket>((resolve, reject) => {
      const options = { hostname, host: hostname, port, protocol: 'http:' };
      guardedConnect(new EgressGuard(), 'operator', { timeout: 1_000 })(options, (...[error, made]) =>
        error ? reject(error) : resolve(made),
      );
    });
    const left = socket.listenerCount('error');
    socket.destroy();
    expect(left).toBe(0);
  });

  it('sends nothing where the guard does not admit it', async () => {
    let asked = 0;
    const { url, client } = await serve((_request, response) => {
      asked += 1;
      response.end('{}');
    });
    expect(await refused(client.json({ url, trust: 'discovered' }))).toBe('denied');
    expect(await refused(client.json({ url: 'https://localhost:1/', trust: 'discovered' }))).toBe('denied');
    expect(asked).toBe(0);
  });
});
