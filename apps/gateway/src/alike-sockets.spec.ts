import { Agent, createServer, get } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, it } from 'vitest';
import { keepSocketsAlike } from './alike-sockets.js';

it('keeps the members of sockets the same, whether somebody wants to know the peer or not', async () => {
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    sockets.push(request.socket);
    response.end(request.url === '/call' ? request.socket.remoteAddress : 'alive');
  });
  keepSocketsAlike(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  const ask = (path: string, agent: Agent | undefined) =>
    new Promise<void>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, agent };
      get(options, (response) => response.resume().once('end', resolve)).once('error', reject);
    });
  await ask('/call', agents[0]);
  await ask('/live', agents[1]);
  const [caller, prober] = sockets.map((socket) => Reflect.ownKeys(socket));
  expect(sockets[0]).not.toBe(sockets[1]);
  expect(prober).toEqual(caller);
  for (const agent of agents) agent.destroy();
  await new Promise((resolve) => server.close(resolve));
});
