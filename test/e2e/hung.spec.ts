import { createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { connect, textOf } from '../support/client.js';
import { spawnGateway } from '../support/gateway.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { http } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

/** Longer than this test may take: whoever waits for one of these does not come back in time. */
const NEVER = '10m';

const ROUNDS = Array.from({ length: 20 }, (_, round) => round);

/** Takes connections and requests and never answers; counts the connections. */
async function hungServer(): Promise<{ url: string; connections(): number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.add({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/mcp`, connections: () => sockets.size };
}

it('lists and calls nine servers beside a hung tenth without waiting for any timer of it', async () => {
  const hung = await hungServer();
  // Each has a tool of its own, whose name is in its answer: one that reached another call shows.
  const well = await Promise.all(
    Array.from({ length: 9 }, async (_, index) => {
      const tool = `read_${index}`;
      return { name: `well-${index}`, tool, upstream: cleanup.add(await RecordingUpstream.start({ tools: [tool] })) };
    }),
  );
  const patient = { timeout: NEVER, connect_timeout: NEVER, start_timeout: NEVER };
  const gateway = cleanup.add(
    await spawnGateway({
      servers: [
        { ...http('hung', hung.url), connection: { url: hung.url, ...patient } },
        ...well.map(({ name, upstream }) => http(name, upstream.url)),
      ],
    }),
  );
  const peer = cleanup.add(await connect(gateway.mcp()));
  const tools = await until('nine servers are listed', async () => {
    const offered = (await peer.tools()).map(({ name }) => name);
    return well.every(({ name, tool }) => offered.includes(`${name}:${tool}`)) && offered;
  });
  expect(hung.connections()).toBeGreaterThan(0);
  expect(tools.some((tool) => tool.startsWith('hung:'))).toBe(false);
  for (const round of ROUNDS) {
    const calls = well.map(async ({ name, tool }) => {
      expect(textOf(await peer.call(`${name}:${tool}`, { name, round }))).toBe(`${tool} was called`);
    });
    const [list] = await Promise.all([peer.tools(), ...calls]);
    expect(list.map(({ name }) => name)).toEqual(tools);
  }
  for (const { name, tool, upstream } of well) {
    expect(upstream.journal.work.map(({ rpc }) => rpc.params)).toEqual(
      ROUNDS.map((round) => expect.objectContaining({ name: tool, arguments: { name, round } })),
    );
  }
});
