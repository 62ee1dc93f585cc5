import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createPeer, type PeerMessage } from './peer.js';

/** How a peer is served over HTTP: streamable HTTP with either kind of reply, or the older HTTP+SSE. */
export type HttpPeerKind = 'json' | 'event-stream' | 'sse';

export interface HttpPeer {
  readonly url: string;
  connections(): number;
  /** Cuts every socket and stops listening, as a killed process does. */
  close(): Promise<void>;
}

export async function serveHttpPeer(kind: HttpPeerKind): Promise<HttpPeer> {
  const sockets = new Set<Socket>();
  const replies = new Map<number, ServerResponse>();
  const unsent: string[] = [];
  let stream: ServerResponse | undefined;

  const onStream = (text: string) => {
    if (stream) stream.write(frame(text));
    else unsent.push(text);
  };
  const toRequest = (text: string, requestId: number | undefined, last: boolean) => {
    const reply = requestId === undefined ? undefined : replies.get(requestId);
    if (kind === 'sse' || !reply) return onStream(text);
    if (kind === 'event-stream') reply.write(frame(text));
    if (kind === 'json' && !reply.headersSent) {
      const body = Buffer.from(text);
      reply.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    } else if (last) reply.end();
    if (last) replies.delete(requestId as number);
  };
  const peer = createPeer({
    send: (message, requestId) => toRequest(JSON.stringify(message), requestId, message.method === undefined),
    raw: (text, requestId) => toRequest(text, requestId, false),
  });

  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      if (kind === 'sse') response.write('event: endpoint\ndata: /messages?session=1\n\n');
      stream = response;
      for (const text of unsent.splice(0)) onStream(text);
    } else if (request.method === 'POST') {
      void read(request).then((message) => {
        const isRequest = message.method !== undefined && typeof message.id === 'number';
        if (kind === 'sse' || !isRequest) response.writeHead(202).end();
        else {
          replies.set(message.id as number, response);
          if (kind === 'event-stream') response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        }
        peer.receive(message);
      });
    } else response.writeHead(200).end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function frame(text: string): string {
  return `event: message\ndata: ${text}\n\n`;
}

async function read(request: IncomingMessage): Promise<PeerMessage> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}
