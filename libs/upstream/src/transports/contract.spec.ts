import { resolve } from 'node:path';
import { EgressGuard } from '#libs/egress';
import type { ExtensionRegistry, InProcessMcpServer, UpstreamTransport } from '#libs/plugin';
import {
  createPeer,
  describeUpstreamTransport,
  type HttpPeerKind,
  type PeerMessage,
  serveHttpPeer,
  type TargetSettings,
  type TransportHarness,
  testTarget,
} from '../testing/index.js';
import { StreamableHttpTransport } from './http/streamable-http.transport.js';
import { InProcessTransport } from './in-process/in-process.transport.js';
import { SseTransport } from './sse/sse.transport.js';
import { StdioTransport } from './stdio/stdio.transport.js';

const PEER = resolve(import.meta.dirname, '../testing/peer/peer.ts');

function httpHarness(
  transport: UpstreamTransport,
  kind: HttpPeerKind,
  rest: Partial<TransportHarness>,
): TransportHarness {
  return {
    transport,
    start: async () => {
      const peer = await serveHttpPeer(kind);
      return {
        target: (settings) => testTarget({ url: peer.url, ...settings }),
        kill: () => peer.close(),
        leftovers: () => peer.connections(),
        stop: () => peer.close(),
      };
    },
    unreachable: {
      target: testTarget({ name: 'gone', url: 'http://127.0.0.1:1/mcp' }),
      says: /refused the connection; is the server running, and is 127\.0\.0\.1:1 in connection\.url right/,
    },
    ...rest,
  };
}

describeUpstreamTransport('streamable-http, JSON replies', () =>
  httpHarness(new StreamableHttpTransport(new EgressGuard()), 'json', {
    repliesStream: false,
    garbage: 'fails the request',
  }),
);

describeUpstreamTransport('streamable-http, event-stream replies', () =>
  httpHarness(new StreamableHttpTransport(new EgressGuard()), 'event-stream', { garbage: 'ignored' }),
);

describeUpstreamTransport('sse', () => httpHarness(new SseTransport(new EgressGuard()), 'sse', { garbage: 'ignored' }));

describeUpstreamTransport('stdio', () => ({
  transport: new StdioTransport(),
  start: async () => ({
    target: (settings?: TargetSettings) => testTarget({ command: process.execPath, args: [PEER], ...settings }),
    kill: (connection) => {
      process.kill(connection.status().pid as number, 'SIGKILL');
    },
    leftovers: (connection) => (exists(connection.status().pid as number) ? 1 : 0),
    stop: async () => {},
  }),
  unreachable: {
    target: testTarget({ name: 'gone', command: 'no-such-program' }),
    says: /the command "no-such-program" was not found in PATH \(.+\); install it/,
  },
  garbage: 'ignored',
}));

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The peer as a server object with the half of an SDK transport it is given. */
class PeerServer implements InProcessMcpServer {
  closed = false;
  transport:
    | {
        onmessage?: (message: PeerMessage) => void;
        send(message: PeerMessage, options?: { relatedRequestId?: number }): Promise<void>;
        close(): Promise<void>;
      }
    | undefined;

  async connect(transport: never): Promise<void> {
    const own = transport as NonNullable<PeerServer['transport']>;
    this.transport = own;
    const peer = createPeer({
      send: (message, requestId) =>
        void own.send(message, requestId === undefined ? {} : { relatedRequestId: requestId }),
      raw: () => {},
    });
    own.onmessage = (message) => peer.receive(message);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

describeUpstreamTransport('in-process', () => {
  const servers: PeerServer[] = [];
  const create = () => {
    const server = new PeerServer();
    servers.push(server);
    return server;
  };
  const refuse = () => {
    throw new Error('no licence');
  };
  const registry = { get: (_point: unknown, name: string) => ({ create: name === 'gone' ? refuse : create }) };
  return {
    transport: new InProcessTransport(registry as unknown as ExtensionRegistry),
    start: async () => ({
      target: (settings?: TargetSettings) => testTarget(settings ?? {}),
      kill: async () => servers.at(-1)?.transport?.close(),
      leftovers: () => servers.filter((server) => !server.closed).length,
      stop: async () => {},
    }),
    unreachable: { target: testTarget({ name: 'gone' }), says: /could not be created: no licence/ },
    garbage: 'impossible',
  };
});
