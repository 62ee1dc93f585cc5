import { createPeer, describeUpstreamTransport, testTarget } from 'mcp-gateway/plugin/testing';
import { TcpLinesTransport } from './index.js';
import { serveTcpLines } from './server.js';

/** The peer of the contract suite at the end of a TCP socket. */
function startPeer() {
  return serveTcpLines((send) => {
    const peer = createPeer({ send: (message) => send(JSON.stringify(message)), raw: send });
    return (line) => peer.receive(JSON.parse(line));
  });
}

describeUpstreamTransport('tcp-lines', () => ({
  transport: new TcpLinesTransport(),
  start: async () => {
    const server = await startPeer();
    return {
      target: (settings) => testTarget({ options: { port: server.port }, ...settings }),
      kill: () => server.close(),
      leftovers: () => server.connections(),
      stop: () => server.close(),
    };
  },
  unreachable: {
    target: testTarget({ name: 'gone', options: { port: 1 } }),
    says: /tcp 127\.0\.0\.1:1.*is the server running there/,
  },
  garbage: 'ignored',
}));
