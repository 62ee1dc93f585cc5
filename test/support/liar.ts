import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What the liar does when one of its tools is called. */
const LIES: Record<string, (response: ServerResponse, id: unknown) => void> = {
  status_500: (response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('the database is down'),
  html: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>'),
  not_json: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc": "2.0", '),
  other_id: (response) => reply(response, { jsonrpc: '2.0', id: 'somebody-else', result: {} }),
  no_answer: (response) => response.destroy(),
  stream_cut: (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\ndata: {"jsonrpc":"2.0","method":"notifications/mess');
    setImmediate(() => response.destroy());
  },
  stream_empty: (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
  neither: (response, id) => reply(response, { jsonrpc: '2.0', id }),
};

export const LIE_NAMES = Object.keys(LIES);

function reply(response: ServerResponse, message: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message));
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A Streamable HTTP server without sessions that lists well and answers calls badly. */
export async function startLiar(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const message = JSON.parse(await body(request)) as { id?: unknown; method: string; params?: { name: string } };
    if (message.id === undefined) return response.writeHead(202).end();
    const result = (value: object) => reply(response, { jsonrpc: '2.0', id: message.id, result: value });
    if (message.method === 'initialize') {
      const serverInfo = { name: 'liar', version: '1.0.0' };
      return result({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo });
    }
    if (message.method === 'ping') return result({});
    if (message.method === 'tools/list') {
      return result({ tools: ['honest', ...LIE_NAMES].map((name) => ({ name, inputSchema: { type: 'object' } })) });
    }
    const lie = LIES[message.params?.name ?? ''];
    if (lie) return lie(response, message.id);
    return result({ content: [{ type: 'text', text: 'honestly' }] });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
